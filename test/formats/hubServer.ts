import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server of the hub's layout with one model, on a free port of this machine. */
export interface HubServer {
  readonly endpoint: string;
  /** What was asked for: method, path and range. */
  readonly requests: string[];
  /** Bytes after which each answer with a file breaks off; `undefined` for none. */
  breakAfter: number | undefined;
  /** Whether parts of files are served. */
  ranges: boolean;
  close(): Promise<void>;
}

/**
 * Starts the server. Files of more than 1000 bytes are in "large file storage", as weights are on the
 * hub: their checksum is SHA-256 and the answer is a redirect. The list comes two files a page.
 */
export async function startHubServer(
  id: string,
  files: Readonly<Record<string, Uint8Array>>,
  options: { readonly token?: string; readonly list?: (list: unknown[]) => unknown } = {},
): Promise<HubServer> {
  const list = Object.entries(files).map(([path, bytes]) => describe(path, bytes));
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const isStorage = url.pathname.startsWith("/storage/");
    hub.requests.push(`${request.method} ${url.pathname} ${request.headers.range ?? ""}`.trim());
    if (
      options.token !== undefined &&
      request.headers.authorization !== `Bearer ${options.token}`
    ) {
      if (!isStorage) return refuse(response, 401);
    }
    if (url.pathname === `/api/models/${id}/tree/main`) {
      const page = Number(url.searchParams.get("page") ?? 0);
      const isLast = (page + 1) * 2 >= list.length;
      const next = `<${hub.endpoint}/api/models/${id}/tree/main?page=${page + 1}>; rel="next"`;
      response.writeHead(200, isLast ? {} : { link: next });
      const entries = list.slice(page * 2, page * 2 + 2);
      response.end(JSON.stringify(options.list?.(entries) ?? entries));
      return undefined;
    }
    const path = decodeURIComponent(url.pathname).replace(
      isStorage ? "/storage/" : `/${id}/resolve/main/`,
      "",
    );
    const bytes = files[path];
    if (bytes === undefined) return refuse(response, 404);
    if (bytes.length > 1000 && !isStorage) {
      response.writeHead(302, { location: `/storage/${path}` }).end();
      return undefined;
    }
    return send(hub, request, response, bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const hub: HubServer = {
    endpoint: `http://127.0.0.1:${port}`,
    requests: [],
    breakAfter: undefined,
    ranges: true,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return hub;
}

function describe(path: string, bytes: Uint8Array): unknown {
  const sha1 = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  const entry = { type: "file", path, size: bytes.length, oid: sha1 };
  if (bytes.length <= 1000) return entry;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return {
    ...entry,
    oid: "0".repeat(40),
    lfs: { oid: sha256, size: bytes.length, pointerSize: 130 },
  };
}

function send(
  hub: HubServer,
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
): undefined {
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
  const start = hub.ranges && from !== undefined ? Number(from) : 0;
  const rest = bytes.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, {
    "content-length": rest.length,
    ...(start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  const { breakAfter } = hub;
  if (breakAfter === undefined || rest.length <= breakAfter) response.end(rest);
  else response.write(rest.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), 20));
}

function refuse(response: ServerResponse, status: number): undefined {
  response.writeHead(status).end("{}");
}
