/** Readers of the FHIR elements that several resources share. Each reports what is wrong, with its place. */
import type { FhirIssueCode } from '@carillon/contracts/fhir';
import type { Issue } from './outcome.ts';

/** Gives nothing, so that a reader can end with what is wrong. */
export type Report = (code: FhirIssueCode, expression: string, diagnostics?: string) => undefined;

/** A resource that is wrong in a thousand places is told of the first of them. */
export const maxIssues = 20;

export function createReport(issues: Issue[]): Report {
  return (code, expression, diagnostics) => {
    if (issues.length >= maxIssues) return undefined;
    issues.push({ code, expression, ...(diagnostics === undefined ? {} : { diagnostics }) });
    return undefined;
  };
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `Patient/p1`, or an absolute address that ends so, of whatever version. */
const referenceShape =
  /^(?:https?:\/\/[^\s?#]*\/)?([A-Z][A-Za-z]*)\/([A-Za-z0-9_\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** @returns the id of a literal reference to a resource of that type */
export function idOfReference(reference: string, type: string): string | undefined {
  const [, named, id] = referenceShape.exec(reference) ?? [];
  return named === type ? id : undefined;
}

export function readReference(value: unknown, type: string, at: string, report: Report): string | undefined {
  if (!isRecord(value)) return report('bad_element', at, 'Expected a Reference');
  const { reference, type: stated } = value;
  if (reference === undefined) {
    return report('bad_reference', at, `Only a literal reference is followed: ${type}/<id>`);
  }
  if (typeof reference !== 'string') return report('bad_element', `${at}.reference`, 'Expected a text');
  const id = idOfReference(reference, type);
  if (id === undefined || (stated !== undefined && stated !== type)) {
    return report('bad_reference', `${at}.reference`, `Expected ${type}/<id>`);
  }
  return id;
}

/** Elements that change the meaning of the others: who does not understand them must refuse the whole. */
export function refuseModifiers(element: Record<string, unknown>, at: string, report: Report): void {
  for (const name of ['modifierExtension', 'implicitRules']) {
    if (element[name] !== undefined) report('not_understood', `${at}.${name}`);
  }
}

export function refuseUnknown(
  element: Record<string, unknown>,
  names: ReadonlySet<string>,
  at: string,
  report: Report,
): void {
  for (const name of Object.keys(element)) {
    // `_name` carries the extensions of a primitive element.
    if (!names.has(name) && !(name.startsWith('_') && names.has(name.slice(1)))) {
      report('unknown_element', at, `R4 has no element ${name.slice(0, 64)} here`);
    }
  }
}
