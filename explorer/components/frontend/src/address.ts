// Addresses on the explorer's server, which a proxy may serve below a path of its own.

/** Where every bundle lies, below the server's root. */
const BUNDLES = "/live/bundle/";

/**
 * The full address of a path such as "/live/socket".
 *
 * Arguments:
 *   path: as the server names it, from its root.
 *   bundle: the address of this bundle, below live/bundle/ of the same root.
 */
export function serverUrl(path: string, bundle: string = import.meta.url): string {
  const root = bundle.slice(0, bundle.lastIndexOf(BUNDLES) + 1);
  return new URL(path.replace(/^\/+/, ""), root).href;
}

/** What a person must do when the server does not accept pages of an origin. */
export function refusal(origin: string): string {
  return (
    `The server does not accept pages from ${origin}. Start it with the environment variable ` +
    `LATENT_ALLOWED_ORIGINS=${origin} and reload this page.`
  );
}
