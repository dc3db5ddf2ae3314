/** The CapabilityStatement, made of the tables by which requests are read. */
import {
  fhirMediaType,
  fhirSearchParameters,
  fhirVersion,
  loincCodes,
  maxBundleEntries,
  panelCodes,
  vitalSignsProfile,
} from '@carillon/contracts/fhir';

/** When what is said here changed last. */
const changedOn = '2026-11-21';

const documentation = [
  `Observations of the vital-signs profile with the LOINC codes ${[...loincCodes.map(({ code }) => code), ...panelCodes].join(', ')}.`,
  'An Observation is taken whole or not at all, as readings; what is no reading (notes, performers, text) is not kept.',
  'There is no read, so a create has no Location. A search gives readings, oldest first; consciousness is not among them.',
  'An unknown search parameter is refused, or ignored with Prefer: handling=lenient.',
].join(' ');

export const capabilityStatement = (base: string) => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: changedOn,
  kind: 'instance',
  software: { name: 'Carillon' },
  implementation: { description: 'Vital signs of the real-time layer of a hospital', url: base },
  fhirVersion,
  format: [fhirMediaType, 'json'],
  rest: [
    {
      mode: 'server',
      security: {
        description:
          'A JWT as Bearer token for everything but this statement. Devices post for patients of their hospital, staff for patients of their wards; staff, the patient and caregivers read.',
      },
      resource: [
        {
          type: 'Observation',
          supportedProfile: [vitalSignsProfile],
          documentation,
          interaction: [{ code: 'create' }, { code: 'search-type' }],
          versioning: 'no-version',
          readHistory: false,
          updateCreate: false,
          conditionalCreate: false,
          conditionalUpdate: false,
          conditionalDelete: 'not-supported',
          searchParam: Object.entries(fhirSearchParameters).map(([name, { type, description }]) => ({
            name,
            type,
            documentation: description,
          })),
        },
      ],
      interaction: [{ code: 'batch' }, { code: 'transaction' }].map((interaction) => ({
        ...interaction,
        documentation: `1 to ${maxBundleEntries} entries, each POST Observation`,
      })),
    },
  ],
});
