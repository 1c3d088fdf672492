// The one style sheet of all components: a file beside the bundles, linked once a page.

/** Its name, which changes with what is in it; the build knows it. */
declare const STYLE_SHEET: string;

let loading: Promise<void> | null = null;

/** Links it and waits until it holds; every component is to be shown after that. Rejects where it cannot be had. */
export function ready(): Promise<void> {
  loading ??= new Promise((done, failed) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL(STYLE_SHEET, import.meta.url).href;
    link.onload = () => done();
    link.onerror = () => {
      link.remove();
      loading = null;
      failed(new Error(`The style sheet ${link.href} could not be loaded`));
    };
    // Behind the page's own, which lie in its head.
    document.body.append(link);
  });
  return loading;
}
