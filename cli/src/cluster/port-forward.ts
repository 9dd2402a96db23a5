import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { isPodReady, type KubeClient, labelSelectorOf, POD, type Pod, type Stored } from '@im/kube';
import { selectorLabels } from '@im/operator';
import type { KubeConfig } from '@kubernetes/client-node';
import { CommandError, EXIT } from '../exit-codes.ts';
import { displayName, type FoundCluster } from './find.ts';
import type { KubeOptions } from './options.ts';

/** Parts that clients connect to, and the names of the ports at which they do. */
const PORT_NAMES = { gateway: 'ws', api: 'http' } as const;

/**
 * Opens a port of this machine that leads through the API server to the ready pods of a part, one
 * after the other. It lasts as long as the process and keeps it from ending no longer than its users do.
 * @returns host and port. @throws CommandError `unreachable` when no pod is ready.
 */
export async function forward(
  client: KubeClient,
  options: KubeOptions,
  cluster: FoundCluster,
  part: keyof typeof PORT_NAMES,
): Promise<string> {
  const { name, namespace } = cluster.metadata;
  const labelSelector = labelSelectorOf(selectorLabels(name, part));
  const { items } = await client.list(POD, { namespace, labelSelector });
  const pods = items.filter(isReady);
  if (pods.length === 0) {
    throw new CommandError(
      EXIT.unreachable,
      `no ${part} pod of ${displayName(cluster)} is ready; openimctl status ${name} -n ${namespace} says why`,
    );
  }
  const { PortForward } = await import('@kubernetes/client-node');
  const forwarder = new PortForward(await kubeConfigOf(options));
  let next = 0;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.unref();
    const pod = pods[next++ % pods.length] as Stored<Pod>;
    connect(forwarder, pod, portOf(pod, PORT_NAMES[part]), socket).catch((error: unknown) => {
      socket.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the forwarding port has no number');
  return `127.0.0.1:${address.port}`;
}

async function kubeConfigOf(options: KubeOptions): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  if (options.kubeContext !== undefined) config.setCurrentContext(options.kubeContext);
  return config;
}

/** The common interface of both kinds of WebSocket, and the underlying socket if there is one. */
interface ForwardSocket {
  onclose: unknown;
  close(): void;
  readonly _socket?: Socket | null;
}

async function connect(
  forwarder: {
    portForward(
      namespace: string,
      pod: string,
      ports: number[],
      output: Socket,
      errors: null,
      input: Socket,
    ): Promise<unknown>;
  },
  pod: Stored<Pod>,
  port: number,
  socket: Socket,
): Promise<void> {
  socket.on('error', () => {});
  const { name, namespace = '' } = pod.metadata;
  const opened = await forwarder.portForward(namespace, name, [port], socket, null, socket);
  const tunnel = opened as ForwardSocket;
  // Idle connections of HTTP clients would keep a finished command from ending.
  tunnel._socket?.unref();
  tunnel.onclose = () => socket.end();
  socket.once('close', () => tunnel.close());
  socket.resume();
}

function isReady(pod: Stored<Pod>): boolean {
  return pod.metadata.deletionTimestamp === undefined && isPodReady(pod);
}

function portOf(pod: Stored<Pod>, portName: string): number {
  const ports = pod.spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  const port = ports.find((each) => each.name === portName)?.containerPort;
  if (port === undefined) throw new Error(`pod ${pod.metadata.name} has no port ${portName}`);
  return port;
}
