/** The connection to NATS. `nats` is imported in this library only, so that a later move is one library. */
import {
  ErrorCode,
  Events,
  NatsError,
  connect,
  headers as natsHeaders,
  type JetStreamClient,
  type JetStreamManager,
  type MsgHdrs,
  type NatsConnection,
} from 'nats';

/** What the server refused, since the user has no right to it. */
export type Denial = { operation: 'publish' | 'subscribe'; subject: string };

export type Bus = {
  /** The service's name; also the prefix of its inboxes, so that permissions can name them. */
  readonly name: string;
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** Whether the connection is up at this moment. */
  isConnected(): boolean;
  /**
   * Waits for the connection, at most so long: the client drops what is published while it is away, and a request then
   * waits out its time-out for nothing. @returns whether it is up
   */
  whenConnected(withinMs: number): Promise<boolean>;
  /** Called whenever the connection comes back. @returns how to stop that */
  onReconnect(listener: () => void): () => void;
  /** Called whenever the connection is lost. @returns how to stop that */
  onDisconnect(listener: () => void): () => void;
  /** Called for each thing that the server refuses. @returns how to stop that */
  onDenied(listener: (denial: Denial) => void): () => void;
  /** Sends what is buffered and closes. */
  close(): Promise<void>;
};

export type BusOptions = {
  /**
   * `nats://user:password@host:port`, several separated by commas. With `tls://` a server without TLS is refused; which
   * authorities are trusted besides the usual says Node's own `NODE_EXTRA_CA_CERTS`.
   */
  url: string;
  name: string;
  /** Give up when the first connection is not made in this time; later ones are tried for ever. */
  connectTimeoutMs?: number;
};

type Servers = { servers: string[]; user?: string; pass?: string; tls?: Record<string, never> };

function parseServers(url: string): Servers {
  const parts = url.split(',').map((part) => part.trim());
  const urls = parts.map((part) => new URL(part.replace(/^(nats|tls):/, 'http:')));
  const first = urls[0];
  return {
    servers: urls.map((one) => one.host),
    ...(parts.some((part) => part.startsWith('tls:')) ? { tls: {} } : {}),
    ...(first !== undefined && first.username !== ''
      ? { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) }
      : {}),
  };
}

/** Whether an operation failed since the user has no right to it: trying again soon does not help. */
export const isDenied = (error: unknown): boolean =>
  error instanceof NatsError && error.code === (ErrorCode.PermissionsViolation as string);

/** @throws when no server answers within `connectTimeoutMs`; the message names the address, never the credentials */
export async function connectBus({ url, name, connectTimeoutMs = 10_000 }: BusOptions): Promise<Bus> {
  const { servers, user, pass, tls } = parseServers(url);
  const deadline = performance.now() + connectTimeoutMs;
  let nc: NatsConnection | undefined;
  while (nc === undefined) {
    try {
      // A fresh object each time: connect() changes the options that it is given.
      nc = await connect({
        servers: [...servers],
        ...(user === undefined ? {} : { user, pass: pass ?? '' }),
        ...(tls === undefined ? {} : { tls: { ...tls } }),
        name,
        inboxPrefix: `_INBOX.${name}`,
        timeout: 2_000,
        maxReconnectAttempts: -1,
        // Passwords are changed on both sides, one after the other; two refusals are no reason to give up for ever.
        ignoreAuthErrorAbort: true,
        reconnectTimeWait: 100,
        reconnectJitter: 150,
        pingInterval: 5_000,
        maxPingOut: 2,
        // Else each publish and request makes an Error for its stack, which costs as much as the publish itself.
        noAsyncTraces: true,
      });
    } catch (error) {
      if (performance.now() > deadline) {
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`no NATS server answers at ${servers.join(', ')}: ${why}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const connection = nc;
  const js = connection.jetstream({ timeout: 2_000 });
  const jsm = await connection.jetstreamManager({ timeout: 2_000, checkAPI: false });
  const reconnectListeners = new Set<() => void>();
  const disconnectListeners = new Set<() => void>();
  const deniedListeners = new Set<(denial: Denial) => void>();
  let connected = true;
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        connected = false;
        for (const listener of disconnectListeners) listener();
      }
      if (status.type === 'reconnect') {
        connected = true;
        for (const listener of reconnectListeners) listener();
      }
      if (status.type === Events.Error && status.permissionContext !== undefined) {
        const { operation, subject } = status.permissionContext;
        const denial: Denial = { operation: operation === 'publish' ? 'publish' : 'subscribe', subject };
        for (const listener of deniedListeners) listener(denial);
      }
    }
  })();
  const isConnected = (): boolean => connected && !connection.isClosed();
  const onReconnect = (listener: () => void): (() => void) => {
    reconnectListeners.add(listener);
    return () => reconnectListeners.delete(listener);
  };
  return {
    name,
    nc: connection,
    js,
    jsm,
    isConnected,
    onReconnect,
    onDisconnect(listener) {
      disconnectListeners.add(listener);
      return () => disconnectListeners.delete(listener);
    },
    onDenied(listener) {
      deniedListeners.add(listener);
      return () => deniedListeners.delete(listener);
    },
    async whenConnected(withinMs) {
      if (isConnected()) return true;
      return new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          stopListening();
          resolve(isConnected());
        };
        const timer = setTimeout(finish, withinMs);
        const stopListening = onReconnect(finish);
      });
    },
    async close() {
      if (connection.isClosed()) return;
      // drain() flushes what was published; it never answers while the server is away.
      const drained = connection.drain().catch(() => {});
      await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, 2_000).unref())]);
      await connection.close();
    },
  };
}

/**
 * The client decodes headers when they are first asked for, and throws for what it would not have sent itself: such a
 * message must not end whoever reads the stream. @returns undefined for what is absent or cannot be read
 */
export function readHeader(message: { headers?: MsgHdrs | undefined }, name: string): string | undefined {
  try {
    return message.headers?.get(name) || undefined;
  } catch {
    return undefined;
  }
}

export type HeaderValues = Readonly<Record<string, string>>;

export function toNatsHeaders(values: HeaderValues): MsgHdrs {
  const result = natsHeaders();
  for (const [name, value] of Object.entries(values)) result.set(name, value);
  return result;
}
