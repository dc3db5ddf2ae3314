/** Which formats are spoken: FHIR R4 in JSON, and no other. */
import { fhirMediaType } from '@carillon/contracts/fhir';
import type { FastifyRequest } from 'fastify';
import { refusal } from './outcome.ts';

const jsonTypes: ReadonlySet<string> = new Set([fhirMediaType, 'application/json', 'text/json']);
const anyTypes: ReadonlySet<string> = new Set(['*/*', 'application/*']);

type Range = { type: string; version: string | undefined; isRefused: boolean };
function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const valueOf = (name: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
  return { type, version: valueOf('fhirversion'), isRefused: /^0(\.0*)?$/.test(valueOf('q') ?? '1') };
}
const isOurVersion = ({ version }: Range): boolean => version === undefined || /^4\.0(\.1)?$/.test(version);

/** @throws FhirRefusal `not_acceptable` */
export function checkAccept(request: FastifyRequest): void {
  const { _format: format } = request.query as Record<string, unknown>;
  if (format !== undefined) {
    // It goes before the header: it is for clients that cannot set one. A plus arrives as a space.
    const named = typeof format === 'string' ? readRange(format.replaceAll(' ', '+')) : undefined;
    const isOurs = named !== undefined && (named.type === 'json' || jsonTypes.has(named.type)) && isOurVersion(named);
    if (!isOurs) throw refusal('not_acceptable', undefined, 'http._format');
    return;
  }
  const ranges = (request.headers.accept ?? '*/*').split(',').map(readRange);
  const isFine = ranges.some(
    (range) => !range.isRefused && (jsonTypes.has(range.type) || anyTypes.has(range.type)) && isOurVersion(range),
  );
  if (!isFine) throw refusal('not_acceptable', undefined, 'http.Accept');
}

/** @throws FhirRefusal `bad_media_type` for a body of another version of FHIR */
export function checkContentType(request: FastifyRequest): void {
  if (!isOurVersion(readRange(request.headers['content-type'] ?? ''))) throw refusal('bad_media_type');
}
