/** A TCP proxy in front of a server: loses what is on the way, or cuts the line, as a network does. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type Proxy = {
  port: number;
  /** From now on what the server sends is lost on the way. */
  swallow(): void;
  /** Ends all connections; new ones are refused until `restore`. */
  cut(): void;
  restore(): void;
  close(): Promise<void>;
};

export async function startProxy(targetPort: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isSwallowing = false;
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) return client.destroy();
    const target = connect(targetPort, '127.0.0.1');
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.on('data', (chunk) => target.write(chunk));
    target.on('data', (chunk) => {
      if (!isSwallowing) client.write(chunk);
    });
    return client;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => (isSwallowing = true),
    cut() {
      isCut = true;
      destroyAll();
    },
    restore() {
      isCut = false;
      isSwallowing = false;
    },
    async close() {
      destroyAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
