/** An identity provider: key pairs, tokens that they sign, and the JWKS URL, over real HTTP. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import type { Claims } from './tokens.ts';

export type ProviderKey = { alg: string; kid: string; privateKey: CryptoKey; jwk: JWK };

export async function makeKey(alg: 'RS256' | 'ES256' | 'EdDSA', kid: string): Promise<ProviderKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid } };
}

export const signedBy = (
  { alg, kid, privateKey }: ProviderKey,
  claims: Claims,
  header: Record<string, unknown> = {},
): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);

export type IdentityProvider = {
  url: string;
  /** What it says; a test may put anything there. */
  keys: unknown[];
  /** Instead of the keys. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  requests: number;
  stop(): Promise<void>;
};

export async function startIdentityProvider(keys: readonly ProviderKey[] = []): Promise<IdentityProvider> {
  const server = createServer((request, response) => {
    provider.requests++;
    if (provider.answer !== undefined) return provider.answer(request, response);
    return response.end(JSON.stringify({ keys: provider.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const provider: IdentityProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    keys: keys.map(({ jwk }) => jwk),
    answer: undefined,
    requests: 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return provider;
}
