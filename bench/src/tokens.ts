import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { hospitalId } from './hospital.ts';

export type Signer = { secret: string; sign(person: string, role: string): Promise<string> };

export function createSigner(): Signer {
  const secret = randomBytes(32).toString('hex');
  const key = new TextEncoder().encode(secret);
  return {
    secret,
    sign: (person, role) =>
      new SignJWT({ hospital: hospitalId, roles: [role] })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(person)
        .setIssuer('carillon')
        .setAudience('carillon')
        .setExpirationTime('12h')
        .sign(key),
  };
}
