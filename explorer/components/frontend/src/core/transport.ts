// A two-way channel to whoever answers the frames; a WebSocket to this page's server is the first.
import { serverUrl } from "../address";

/** What a channel tells its owner; nothing once the owner has closed it. */
export interface TransportListener {
  opened(): void;
  message(data: string | ArrayBuffer): void;
  /** "refused": trying again would not help. */
  closed(reason: "lost" | "refused"): void;
}

/** Requests go as text; answers come as text or bytes. */
export interface Transport {
  readonly isOpen: boolean;
  send(message: string): void;
  close(): void;
}

/** Opens a channel; everything that happens on it is told later than this call. */
export type Connect = (listener: TransportListener) => Transport;

/** The server's close code for a page whose origin it does not accept. */
const REFUSED = 4403;

/** The address of a socket of this page's server. */
export function socketUrl(path: string): string {
  const url = new URL(serverUrl(path));
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** Channels over WebSockets to an address. */
export function webSocket(url: string): Connect {
  return (listener) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => listener.opened();
    socket.onmessage = ({ data }) => listener.message(data);
    socket.onclose = ({ code }) => listener.closed(code === REFUSED ? "refused" : "lost");
    return {
      get isOpen() {
        return socket.readyState === WebSocket.OPEN;
      },
      send: (message) => socket.send(message),
      close: () => {
        socket.onopen = socket.onmessage = socket.onclose = null;
        socket.close();
      },
    };
  };
}
