import { createServer } from 'node:net';
import { SetupError } from './fault.ts';

function bindingFault(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/**
 * Asked before anything is started, of loopback and of all addresses, since some systems let two programs share a port
 * that way. An address that this machine does not have is no fault.
 */
export async function checkPort(port: number, variable: string): Promise<void> {
  for (const host of ['127.0.0.1', '0.0.0.0', '::']) {
    const fault = await bindingFault(port, host);
    if (fault === 'EADDRINUSE') {
      throw new SetupError(
        `Port ${port} is taken by another program. End that one, or set ${variable} to a free port.`,
      );
    }
    if (fault === 'EACCES')
      throw new SetupError(`Port ${port} is not for ordinary users. Set ${variable} to one above 1023.`);
  }
}
