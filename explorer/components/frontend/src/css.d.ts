// Style sheets are imported as minified strings (see build.mjs).
declare module "*.css" {
  const text: string;
  export default text;
}
