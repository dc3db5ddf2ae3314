/** What is to be said about a request, as an OperationOutcome. */
import { CodedError, errors, type ErrorCode } from '@carillon/contracts/errors';
import { fhirIssues, issueSystem, type FhirIssueCode } from '@carillon/contracts/fhir';

export type Issue = {
  code: FhirIssueCode;
  /** For people; the description of the code where absent. */
  diagnostics?: string;
  /** FHIRPath of the place. */
  expression?: string;
};
export type OperationOutcome = { resourceType: 'OperationOutcome'; issue: Record<string, unknown>[] };

type Severity = 'error' | 'warning' | 'information';
function severityOf(code: FhirIssueCode): Severity {
  const { status, type } = fhirIssues[code];
  if (status >= 400) return 'error';
  return type === 'informational' ? 'information' : 'warning';
}

/** @param more e.g. a warning that is no error where it stands */
export const operationOutcome = (issues: readonly Issue[], severity?: Severity): OperationOutcome => ({
  resourceType: 'OperationOutcome',
  issue: issues.map(({ code, diagnostics, expression }) => ({
    severity: severity ?? severityOf(code),
    code: fhirIssues[code].type,
    details: { coding: [{ system: issueSystem, code, display: fhirIssues[code].description }] },
    diagnostics: diagnostics ?? fhirIssues[code].description,
    ...(expression === undefined ? {} : { expression: [expression] }),
  })),
});

/** Of all that is wrong the most basic decides: what is no R4 at all (400) before what breaks a rule of ours (422). */
export const statusOf = (issues: readonly Issue[]): number =>
  Math.min(...issues.map(({ code }) => fhirIssues[code].status));

const hasOwnIssue = (code: ErrorCode): code is ErrorCode & FhirIssueCode => Object.hasOwn(fhirIssues, code);
const withoutOwnIssue: Readonly<Record<Exclude<ErrorCode, FhirIssueCode>, FhirIssueCode>> = {
  bad_frame: 'bad_input',
  key_reused: 'conflict',
  expired: 'conflict',
};

export const issueOf = (error: CodedError): Issue => ({
  code: hasOwnIssue(error.code) ? error.code : withoutOwnIssue[error.code],
  // "Repeat with the same key" is for commands; readings have none.
  ...(error.message === errors.unavailable.message ? {} : { diagnostics: error.message }),
});

/** A refusal in FHIR's words; thrown where nothing more can be done. */
export class FhirRefusal extends Error {
  readonly issues: readonly Issue[];
  readonly status: number;

  constructor(issues: readonly Issue[], status = statusOf(issues)) {
    super(issues.map(({ code }) => code).join(', '));
    this.name = 'FhirRefusal';
    this.issues = issues;
    this.status = status;
  }
}
export const refusal = (code: FhirIssueCode, diagnostics?: string, expression?: string): FhirRefusal =>
  new FhirRefusal([
    {
      code,
      ...(diagnostics === undefined ? {} : { diagnostics }),
      ...(expression === undefined ? {} : { expression }),
    },
  ]);
