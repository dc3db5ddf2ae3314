/** FHIR as a sender writes it, made up. */
export type Json = Record<string, unknown>;

export const coded = (code: string, display?: string): Json => ({
  coding: [{ system: 'http://loinc.org', code, ...(display === undefined ? {} : { display }) }],
});
export const quantity = (value: number, code: string): Json => ({
  value,
  unit: code,
  system: 'http://unitsofmeasure.org',
  code,
});
export const absent = (code = 'not-performed'): Json => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code }],
});

export const observation = (more: Json = {}): Json => ({
  resourceType: 'Observation',
  status: 'final',
  category: [
    { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] },
  ],
  code: coded('8867-4', 'Heart rate'),
  subject: { reference: 'Patient/p1' },
  effectiveDateTime: new Date().toISOString(),
  valueQuantity: quantity(72, '/min'),
  ...more,
});

/** The same without some of its elements. */
export const without = (resource: Json, ...names: string[]): Json =>
  Object.fromEntries(Object.entries(resource).filter(([name]) => !names.includes(name)));

export const bloodPressure = (systolic: number, diastolic: number, more: Json = {}): Json =>
  without(
    observation({
      code: coded('85354-9', 'Blood pressure panel with all children optional'),
      component: [
        { code: coded('8480-6', 'Systolic blood pressure'), valueQuantity: quantity(systolic, 'mm[Hg]') },
        { code: coded('8462-4', 'Diastolic blood pressure'), valueQuantity: quantity(diastolic, 'mm[Hg]') },
      ],
      ...more,
    }),
    'valueQuantity',
  );

export const entryOf = (resource: unknown, request: Json = { method: 'POST', url: 'Observation' }): Json => ({
  resource,
  request,
});
export const bundle = (type: string, entry: readonly unknown[]): Json => ({ resourceType: 'Bundle', type, entry });
