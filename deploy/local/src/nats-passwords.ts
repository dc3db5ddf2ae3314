import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { natsPasswordVariable, natsUsers } from '@carillon/contracts/nats-permissions';

function readOr(file: string, absent: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return absent;
  }
}

/**
 * One password a user, in the file that the server's configuration includes. They are made once and stay the same for a
 * folder; a user who is new gets one, and one who is gone loses his, since the server takes no variable that it does not
 * know.
 */
export function natsPasswordsIn(folder: string): ReadonlyMap<string, string> {
  const file = join(folder, 'passwords.conf');
  const had = new Map([...readOr(file, '').matchAll(/^(\w+): "(\w+)"$/gm)].map(([, name, value]) => [name, value]));
  const passwords = new Map(
    natsUsers.map((user) => [user, had.get(natsPasswordVariable(user)) ?? randomBytes(18).toString('hex')]),
  );
  const lines = [...passwords].map(([user, password]) => `${natsPasswordVariable(user)}: "${password}"\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  return passwords;
}
