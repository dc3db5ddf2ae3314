import type { LocalServer } from './local-server.ts';

export interface Supervised {
  url: string;
  stop(): Promise<void>;
  kill(): void;
}

/**
 * Keeps a server of ours running: one that ends unasked is started again at once, on its folder and port, and the
 * services reconnect to the address they know. `onLost` is told when it cannot be started any more.
 */
export async function supervise(
  start: (port: number | undefined) => Promise<LocalServer>,
  report: { onRestart(): void; onLost(error: unknown): void },
): Promise<Supervised> {
  let server = await start(undefined);
  let isStopping = false;
  const { port, url } = server;

  async function restart(): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      if (isStopping) return;
      try {
        server = await start(port);
        break;
      } catch (error) {
        if (failures === 4) return report.onLost(error);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
    // Asked to stop while it was starting.
    if (isStopping) await server.stop();
    else report.onRestart();
  }

  let watching: Promise<void> = watch();
  async function watch(): Promise<void> {
    await server.exited;
    if (isStopping) return;
    await restart();
    if (!isStopping) watching = watch();
  }

  return {
    url,
    stop: async () => {
      isStopping = true;
      await server.stop();
      await watching;
    },
    kill: () => {
      isStopping = true;
      server.kill();
    },
  };
}
