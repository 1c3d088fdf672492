// A worker's script comes as text: the build bundles the named module (workers.mjs).
declare module "*?worker" {
  const script: string;
  export default script;
}
