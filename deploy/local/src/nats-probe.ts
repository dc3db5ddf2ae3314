import { connect } from 'node:net';

/** What a NATS server said of itself, and whether it let us in. */
export interface NatsAnswer {
  serverName: string;
  version: string;
  /** 'unknown' where the connection must go on in TLS, which only a client can. */
  jetstream: 'on' | 'off' | 'unknown';
}

const inbox = '_INBOX.carillon-probe';

/**
 * Asks one server for its greeting, logs in and asks JetStream whether it answers: three lines of the NATS protocol
 * (https://docs.nats.io/reference/reference-protocols/nats-protocol), so that the launcher needs no client.
 * Rejects with a short reason.
 */
export async function probeNats(url: string, deadlineMs: number): Promise<NatsAnswer> {
  const { hostname, port, username, password } = new URL(url.includes('://') ? url : `nats://${url}`);
  const login =
    password === ''
      ? { auth_token: decodeURIComponent(username) }
      : { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 4222) });
    let greeting: NatsAnswer | undefined;
    let received = '';
    const finish = (result: NatsAnswer | Error): void => {
      clearTimeout(timer);
      socket.destroy();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const timer = setTimeout(() => finish(new Error('no answer')), deadlineMs);
    socket.on('error', (error: NodeJS.ErrnoException) => finish(new Error(error.code ?? error.message)));
    socket.on('close', () => finish(new Error('it closed the connection')));
    socket.on('data', (chunk) => {
      received += chunk.toString();
      const lines = received.split('\r\n');
      received = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('INFO ')) {
          if (greeting !== undefined) continue;
          const info = JSON.parse(line.slice(5)) as Record<string, unknown>;
          greeting = { serverName: String(info['server_name']), version: String(info['version']), jetstream: 'off' };
          if (info['tls_required'] === true) return finish({ ...greeting, jetstream: 'unknown' });
          const options = {
            verbose: false,
            pedantic: false,
            headers: true,
            no_responders: true,
            lang: 'probe',
            version: '1',
            ...(username && login),
          };
          socket.write(
            `CONNECT ${JSON.stringify(options)}\r\nSUB ${inbox} 1\r\nPUB $JS.API.INFO ${inbox} 0\r\n\r\nPING\r\n`,
          );
        } else if (line.startsWith('-ERR')) {
          finish(new Error(line.slice(5).replaceAll("'", '').toLowerCase()));
        } else if (greeting !== undefined && line.startsWith('MSG ')) {
          finish({ ...greeting, jetstream: 'on' });
        } else if (greeting !== undefined && line.startsWith('HMSG ')) {
          // Headers without a body: nobody answers for JetStream.
          finish(greeting);
        }
      }
    });
  });
}
