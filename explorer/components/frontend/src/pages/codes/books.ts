// The codebooks of a model: where their codes lie, how often they are used, and what they look like.
import { floats, type Resource } from "../../core/resource";
import type { Shell } from "../../core/shell";
import { type Book, readBook, readLooks } from "./book";
import type { GridData } from "./types";

interface Resources {
  resource<T>(): Resource<T>;
  release<T>(resource: Resource<T>): void;
}

export class Books {
  private books: (Book | null)[] = [];
  private pictures: HTMLCanvasElement[][] = [];
  private readonly fetched: Resource<unknown>[] = [];

  constructor(
    private readonly shell: Shell,
    private readonly live: Resources,
    private readonly arrived: () => void,
  ) {}

  /** The codebook of a level; null until it is here. */
  of(level: number): Book | null {
    return this.books[level] ?? null;
  }

  /** The pictures of a level's codes; none until they are here. */
  looks(level: number): HTMLCanvasElement[] {
    return this.pictures[level] ?? [];
  }

  /** Another model: its codebooks are fetched. */
  load({ model, levels }: GridData): void {
    for (const resource of this.fetched.splice(0)) this.live.release(resource);
    this.books = levels.map(() => null);
    this.pictures = levels.map(() => []);
    const failed = (message: string) => this.shell.banner.fail(message);
    levels.forEach((level, i) => {
      this.fetch<Float32Array>().load({
        url: level.url,
        what: "The codebook",
        read: floats(3 * level.codes, "The codebook"),
        done: (values) => {
          this.books[i] = readBook(values);
          this.arrived();
        },
        failed,
      });
      this.fetch<HTMLCanvasElement[]>().load({
        url: level.looks,
        what: "The codes' pictures",
        read: (buffer) => readLooks(buffer, level, model.shape[0]),
        done: (looks) => {
          this.pictures[i] = looks;
          this.arrived();
        },
        failed,
      });
    });
  }

  private fetch<T>(): Resource<T> {
    const resource = this.live.resource<T>();
    this.fetched.push(resource as Resource<unknown>);
    return resource;
  }
}
