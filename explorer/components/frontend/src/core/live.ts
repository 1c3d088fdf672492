// Joins connection, frames, items, fetched files and edit of one page, so that all pages fail and recover alike.
import type { ItemSource, OriginalsState } from "../messages.gen";
import type { Codec, Sequenced } from "./codec";
import { Connection, type Reason, type Reply } from "./connection";
import { FrameLoop } from "./frame-loop";
import { Resource } from "./resource";
import type { Shell } from "./shell";
import { socketUrl, webSocket } from "./transport";

export interface LiveOptions<Target, Opened, Want, Request, Frame, Items> {
  shell: Shell;
  /** The path of the page's socket. */
  socket: string;
  codec: Codec<Target, Opened & { type: "opened" }, Frame, Items>;
  /** All that a frame can show: asked for whenever something was opened. */
  all: readonly Want[];
  encodeFrame(seq: number, body: Request): string;
  request(waiting: ReadonlySet<Want>): { body: Request; want: readonly Want[] } | null;
  /** Paints an answer; gives whether there is now something to show. */
  paint(answer: Frame, body: Request): boolean;
  opened?(): void;
  originals?(state: OriginalsState): void;
  /** The page's edit, to be told again when the connection is back. */
  edits?: { disconnected(): void; reconnected(): void };
}

export class Live<
  Target,
  Opened extends { type: "opened" },
  Want,
  Request,
  Frame extends Sequenced,
  Items extends Sequenced = never,
> {
  readonly frames: FrameLoop<Want, Request, Frame>;
  private readonly connection: Connection<Target, Opened, Frame, Items>;
  private readonly resources = new Set<Resource<unknown>>();
  private readonly stores = new Set<{ renew(): void }>();

  constructor(private readonly options: LiveOptions<Target, Opened, Want, Request, Frame, Items>) {
    const { shell, codec } = options;
    this.connection = new Connection<Target, Opened, Frame, Items>(
      webSocket(socketUrl(options.socket)),
      codec,
      {
        state: (state) => {
          shell.connection(state);
          if (state === "closed") options.edits?.disconnected();
        },
        opened: () => this.opened(),
        originals: (state) => options.originals?.(state),
        failed: (reason) => this.failed(reason),
      },
    );
    this.frames = new FrameLoop<Want, Request, Frame>({
      request: (waiting) => options.request(waiting),
      send: (body, reply) =>
        this.connection.request(
          (seq) => options.encodeFrame(seq, body),
          reply as Reply<Frame | Items>,
        ) !== null,
      paint: (answer, body) => {
        if (options.paint(answer, body)) shell.ready();
      },
      timed: () => shell.timed(this.frames.stats),
      failed: (reason) => this.failed(reason),
    });
    shell.scope.add(() => {
      this.frames.dispose();
      this.connection.close();
      for (const resource of this.resources) resource.cancel();
    });
  }

  /** Opens something; frames of what was open before are dropped. */
  open(target: Target): void {
    this.connection.ask(target);
  }

  /** Something else is shown from now on: what is known of the former is not true of it. */
  change(): void {
    this.frames.stats.clear();
    this.options.shell.wait();
  }

  /** Tries again at once whatever has failed. */
  retry(): void {
    this.connection.retry();
    this.frames.retry();
    for (const resource of this.resources) resource.retry();
    for (const store of this.stores) store.renew();
  }

  /** Something to fetch, which is tried again with the connection and on demand. */
  resource<T>(): Resource<T> {
    const made = new Resource<T>();
    this.resources.add(made as Resource<unknown>);
    return made;
  }

  /** Forgets what was to be fetched. */
  release<T>(resource: Resource<T>): void {
    resource.cancel();
    this.resources.delete(resource as Resource<unknown>);
  }

  /** A store of items that is asked again after every opening. */
  watch(store: { renew(): void }): void {
    this.stores.add(store);
  }

  items(items: readonly number[], source: ItemSource, reply: Reply<Items>): number | null {
    return this.connection.items(items, source, reply as Reply<Frame | Items>);
  }

  private opened(): void {
    const { opened, edits, all } = this.options;
    for (const store of this.stores) store.renew();
    for (const resource of this.resources) resource.retry();
    opened?.();
    this.frames.mark(all, null);
    edits?.reconnected();
  }

  private failed({ message }: Reason): void {
    this.options.shell.fail(message);
  }
}
