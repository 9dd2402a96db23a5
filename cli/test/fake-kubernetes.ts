import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';

/** An object as the fake keeps it. */
export interface FakeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

type Plural = 'openimclusters' | 'secrets' | 'pods';

/** An API server of Kubernetes as far as openimctl needs one: reads, watches, changes of annotations, ports of pods. */
export interface FakeKubernetes extends AsyncDisposable {
  /** Path of a kubeconfig; its context is in namespace `default`. */
  readonly kubeconfig: string;
  /** Adds or replaces an object, and notifies watchers. */
  put(plural: Plural, object: FakeObject): void;
  /** Answers every request with this failure, until called with undefined. */
  fail(failure: { code: number; message: string } | undefined): void;
  /** What the log of a pod has; requests that follow it stay open. */
  log(pod: string, lines: readonly string[]): void;
  /** Cuts all watches. */
  cutWatches(): void;
  /** Method and path of every request so far. */
  readonly requests: readonly string[];
}

/** Starts one. @param ports where connections to a port of a pod really go. */
export async function startFakeKubernetes(
  ports: Readonly<Record<number, number>> = {},
): Promise<FakeKubernetes> {
  const objects = new Map<Plural, FakeObject[]>();
  const watches = new Set<{
    plural: Plural;
    matches: (object: FakeObject) => boolean;
    response: ServerResponse;
  }>();
  const requests: string[] = [];
  const logs = new Map<string, readonly string[]>();
  let failure: { code: number; message: string } | undefined;
  let version = 1;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    requests.push(`${request.method} ${request.url}`);
    const url = new URL(request.url ?? '', 'http://fake');
    if (failure) {
      refuse(response, failure.code, failure.message);
      return;
    }
    const [, logOf] = /\/pods\/([^/]+)\/log$/.exec(url.pathname) ?? [];
    if (logOf !== undefined) {
      const tail = Number(url.searchParams.get('tailLines') ?? Number.MAX_SAFE_INTEGER);
      const since = url.searchParams.get('sinceTime') ?? '';
      const lines = (logs.get(logOf) ?? []).filter((line) => line.slice(0, 19) >= since.slice(0, 19));
      response.write(
        lines
          .slice(-tail)
          .map((line) => `${line}\n`)
          .join(''),
      );
      if (url.searchParams.get('follow') !== 'true') response.end();
      else watches.add({ plural: 'pods', matches: () => false, response });
      return;
    }
    const [, port, page = ''] = /\/pods\/[^/]+:(\d+)\/proxy\/(.*)$/.exec(url.pathname) ?? [];
    if (port !== undefined) {
      proxy(`http://127.0.0.1:${ports[Number(port)] ?? 1}/${page}${url.search}`, response);
      return;
    }
    const parts =
      /^\/(?:api\/v1|apis\/openim\.io\/v1alpha1)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?$/;
    const [, namespace, plural, name] = parts.exec(url.pathname) ?? [];
    const matches = (object: FakeObject) => selected(object, url, namespace, name);
    const found = (objects.get(plural as Plural) ?? []).filter(matches);
    if (url.searchParams.get('watch') === 'true') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const watch = { plural: plural as Plural, matches, response };
      watches.add(watch);
      const since = Number(url.searchParams.get('resourceVersion'));
      for (const object of found) {
        if (versionOf(object) > since) response.write(change(object));
      }
      response.on('close', () => watches.delete(watch));
    } else if (name === undefined) {
      json(response, 200, { metadata: { resourceVersion: String(version) }, items: found });
    } else if (found[0] && request.method === 'PATCH') {
      void annotate(plural as Plural, found[0], request).then((patched) => json(response, 200, patched));
    } else if (found[0]) json(response, 200, found[0]);
    else refuse(response, 404, `${plural} "${name}" not found`, name);
  }

  function put(plural: Plural, object: FakeObject): void {
    version += 1;
    const stored = {
      ...object,
      metadata: { uid: object.metadata.name, ...object.metadata, resourceVersion: String(version) },
    };
    const others = (objects.get(plural) ?? []).filter(
      ({ metadata: { name, namespace } }) =>
        name !== object.metadata.name || namespace !== object.metadata.namespace,
    );
    objects.set(plural, [...others, stored]);
    for (const watch of watches) {
      if (watch.plural !== plural || !watch.matches(stored)) continue;
      watch.response.write(change(stored));
    }
  }

  async function annotate(
    plural: Plural,
    { metadata, ...rest }: FakeObject,
    request: IncomingMessage,
  ): Promise<FakeObject> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { annotations } = JSON.parse(body).metadata as { annotations: Record<string, string | null> };
    const all = Object.entries({ ...metadata.annotations, ...annotations });
    const kept = Object.fromEntries(all.filter(([, value]) => value !== null)) as Record<string, string>;
    const patched = { ...rest, metadata: { ...metadata, annotations: kept } };
    put(plural, patched);
    return patched;
  }

  const server = createServer(answer);
  const forwards = new WebSocketServer({
    server,
    handleProtocols: (offered) => (offered.has('v4.channel.k8s.io') ? 'v4.channel.k8s.io' : false),
  });
  forwards.on('connection', (socket, request) => {
    requests.push(`FORWARD ${request.url}`);
    forwardTo(socket, Number(new URL(request.url ?? '', 'http://fake').searchParams.get('ports')), ports);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dir = await mkdtemp(join(tmpdir(), 'im-fake-kubernetes-'));
  const kubeconfig = join(dir, 'kubeconfig');
  const { port } = server.address() as AddressInfo;
  await writeFile(kubeconfig, kubeconfigOf(`http://127.0.0.1:${port}`));

  return {
    kubeconfig,
    requests,
    put,
    fail(next) {
      failure = next;
    },
    log: (pod, lines) => void logs.set(pod, lines),
    cutWatches() {
      for (const { response } of watches) response.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const client of forwards.clients) client.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function proxy(url: string, response: ServerResponse): void {
  fetch(url)
    .then(async (answer) => response.writeHead(answer.status).end(await answer.text()))
    .catch((error: unknown) => refuse(response, 503, String(error)));
}

function versionOf({ metadata }: FakeObject): number {
  return 'resourceVersion' in metadata ? Number(metadata.resourceVersion) : 0;
}

function change(object: FakeObject): string {
  return `${JSON.stringify({ type: 'MODIFIED', object })}\n`;
}

function selected(object: FakeObject, url: URL, namespace?: string, name?: string): boolean {
  const { metadata } = object;
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  if (name !== undefined && metadata.name !== name) return false;
  const [, wanted] = /^metadata\.name=(.*)$/.exec(url.searchParams.get('fieldSelector') ?? '') ?? [];
  if (wanted !== undefined && metadata.name !== wanted) return false;
  const labels = (url.searchParams.get('labelSelector') ?? '').split(',').filter(Boolean);
  return labels.every((pair) => {
    const [key = '', value] = pair.split('=');
    return metadata.labels?.[key] === value;
  });
}

function json(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, code: number, message: string, name?: string): void {
  const reason = code === 404 ? 'NotFound' : 'Forbidden';
  json(response, code, { kind: 'Status', code, reason, message, details: { name } });
}

/** Each message begins with the number of its stream: 0 carries data, 1 errors; the first of each the port. */
function forwardTo(socket: WebSocket, port: number, ports: Readonly<Record<number, number>>): void {
  const begin = Buffer.from([0, port & 0xff, port >> 8]);
  socket.send(begin);
  socket.send(Buffer.from([1, begin[1] ?? 0, begin[2] ?? 0]));
  const upstream = connect(ports[port] ?? 0, '127.0.0.1');
  upstream.on('data', (data) => socket.send(Buffer.concat([Buffer.from([0]), data])));
  upstream.on('error', () => socket.close());
  upstream.on('close', () => socket.close());
  socket.on('message', (data: Buffer) => upstream.write(data.subarray(1)));
  socket.on('close', () => upstream.destroy());
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'me', user: { token: 'fake' } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'me', namespace: 'default' } }],
    'current-context': 'fake',
  });
}
