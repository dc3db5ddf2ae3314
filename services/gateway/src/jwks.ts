/**
 * The public keys of the identity provider, from its JWKS URL (RFC 7517). They are fetched every few minutes, and when a
 * token names one that is not known, but not oftener than the cooldown allows, whatever tokens come: so nothing need be
 * remembered of unknown names. While the endpoint is down the keys stay good for their longest age; nobody is taken out of
 * service for it.
 */
import { Type, validate } from '@carillon/contracts/schema';
import type { Logger } from '@carillon/runtime/log';
import { calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from 'jose';

export type PublicKey = {
  /** Names the key itself, whatever `kid` it goes by (RFC 7638). */
  thumbprint: string;
  key: CryptoKey;
};

export type PublicKeys = {
  /**
   * @returns the key for a token of this header; undefined where there is none
   * @throws Error while no key at all is known: nothing can be said about any token
   */
  find(header: { alg: string; kid?: string | undefined }): Promise<PublicKey | undefined>;
  /** Whether a key that was found before is still one of the provider's. */
  isCurrent(thumbprint: string): boolean;
  stop(): void;
};

export type PublicKeysOptions = {
  url: string;
  /** So long keys are good that could not be fetched again. */
  maxAgeMs: number;
  log: Logger;
  refreshMs?: number;
  cooldownMs?: number;
  deadlineMs?: number;
  /** Of a clock that never steps. */
  now?: () => number;
};

/** What is signed with which kind of key; whatever is not here is not accepted. */
const kinds = {
  RS256: { kty: 'RSA', crv: undefined },
  ES256: { kty: 'EC', crv: 'P-256' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
} as const;
export type PublicAlgorithm = keyof typeof kinds;
export const isPublicAlgorithm = (alg: string): alg is PublicAlgorithm => Object.hasOwn(kinds, alg);

const Text = Type.String({ maxLength: 4_096 });
const jwkSetSchema = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Text,
      kid: Type.Optional(Text),
      alg: Type.Optional(Text),
      use: Type.Optional(Text),
      crv: Type.Optional(Text),
      n: Type.Optional(Text),
      e: Type.Optional(Text),
      x: Type.Optional(Text),
      y: Type.Optional(Text),
    }),
    { maxItems: 64 },
  ),
});
const maxBytes = 256 * 1024;
/** 2048 bits in base64url: what is shorter can be broken (RFC 7518, 3.3). */
const minModulusLength = 342;

type Known = PublicKey & { alg: PublicAlgorithm; kid: string | undefined };

/** Keys of other kinds and uses, and those that are none, are left out: one of them is no reason to refuse the rest. */
async function readKeys(body: unknown): Promise<Known[]> {
  const set = validate(jwkSetSchema, body);
  if (!set.ok) throw new Error('the answer is no JWK set');
  const found = set.value.keys.map(async ({ kty, kid, alg: only, use, crv, n, e, x, y }) => {
    const [alg] = Object.entries(kinds).find(([, kind]) => kind.kty === kty && kind.crv === crv) ?? [];
    if (alg === undefined || !isPublicAlgorithm(alg)) return [];
    if ((only !== undefined && only !== alg) || (use !== undefined && use !== 'sig')) return [];
    if (kty === 'RSA' && (n?.length ?? 0) < minModulusLength) return [];
    // The public part alone: whatever else stands there makes no other key of it.
    const parts = { crv, n, e, x, y };
    const jwk: JWK = { kty, ...Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) };
    try {
      const key = await importJWK(jwk, alg);
      return key instanceof Uint8Array ? [] : [{ alg, kid, key, thumbprint: await calculateJwkThumbprint(jwk) }];
    } catch {
      return [];
    }
  });
  return (await Promise.all(found)).flat();
}

async function readBody(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
}

export function createPublicKeys({
  url,
  maxAgeMs,
  log,
  refreshMs = 5 * 60_000,
  cooldownMs = 10_000,
  deadlineMs = 5_000,
  now = () => performance.now(),
}: PublicKeysOptions): PublicKeys {
  let known: readonly Known[] = [];
  let fetchedAt = -Infinity;
  let triedAt = -Infinity;
  let running: Promise<void> | undefined;
  let isFailing = false;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const load = async (): Promise<void> => {
    const response = await fetch(url, {
      // Elsewhere than where it was said to be, keys are anybody's.
      redirect: 'error',
      headers: { accept: 'application/jwk-set+json, application/json' },
      signal: AbortSignal.timeout(deadlineMs),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const keys = await readKeys(await readBody(response));
    // A provider without keys is one that is being mended: to believe it would lock everybody out.
    if (keys.length === 0) throw new Error('no key in the answer that we could use');
    known = keys;
    fetchedAt = now();
  };
  const refresh = (): Promise<void> => {
    if (running !== undefined) return running;
    clearTimeout(timer);
    triedAt = now();
    running = load()
      .then(
        () => {
          if (isFailing) log.info('the keys of the identity provider were fetched again');
          isFailing = false;
        },
        (error: unknown) => {
          if (!isFailing) log.warn({ reason: String(error) }, 'the keys of the identity provider cannot be fetched');
          isFailing = true;
        },
      )
      .finally(() => {
        running = undefined;
        if (isStopped) return;
        const waitMs = (isFailing ? Math.min(refreshMs, 3 * cooldownMs) : refreshMs) * (0.9 + Math.random() * 0.2);
        timer = setTimeout(() => void refresh(), waitMs).unref();
      });
    return running;
  };
  const current = (): readonly Known[] => (now() - fetchedAt < maxAgeMs ? known : []);
  const look = (header: { alg: string; kid?: string | undefined }): Known | undefined => {
    const fitting = current().filter(
      ({ alg, kid }) => alg === header.alg && (header.kid === undefined || kid === header.kid),
    );
    // Without a name it must be clear which is meant.
    return fitting.length === 1 ? fitting[0] : undefined;
  };
  void refresh();

  return {
    async find(header) {
      const found = look(header);
      if (found !== undefined) return found;
      if (running !== undefined || now() - triedAt >= cooldownMs) await refresh();
      if (current().length === 0) throw new Error('no key of the identity provider is known');
      return look(header);
    },
    isCurrent: (thumbprint) => current().some((each) => each.thumbprint === thumbprint),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
