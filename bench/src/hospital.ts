/** A hospital of any size: wards of twenty beds, one nurse and one bedside monitor each, made by the import itself. */
import type { Http } from './http.ts';

export const bedsAWard = 20;
export const hospitalId = 'bench';

export const patientId = (index: number): string => `p${index}`;
export const wardId = (ward: number): string => `w${ward}`;
export const nurseId = (ward: number): string => `n${ward}`;
export const wardOf = (patient: number): number => Math.floor(patient / bedsAWard);
export const wardsOf = (patients: number): number => Math.ceil(patients / bedsAWard);

const knownWithinMs = 240_000;
/** NATS takes 1 MB a message; a ward with its people is about 4 kB. */
const wardsAnImport = 50;

export async function importHospital(http: Http, adminToken: string, patients: number): Promise<void> {
  for (let first = 0; first < wardsOf(patients); first += wardsAnImport) {
    const wards = Array.from(
      { length: Math.min(wardsAnImport, wardsOf(patients) - first) },
      (_, index) => first + index,
    );
    const inThese = wards.flatMap((ward) =>
      Array.from({ length: bedsAWard }, (_, bed) => ward * bedsAWard + bed).filter((patient) => patient < patients),
    );
    const bedId = (patient: number): string => `b${patient}`;
    const body = {
      hospital: { hospitalId, name: 'Bench' },
      wards: wards.map((ward) => ({
        wardId: wardId(ward),
        name: `Ward ${ward}`,
        beds: inThese.filter((patient) => wardOf(patient) === ward).map((p) => ({ bedId: bedId(p), label: `${p}` })),
      })),
      people: [
        ...wards.map((ward) => ({
          personId: nurseId(ward),
          name: `Nurse ${ward}`,
          roles: ['nurse'],
          wards: [wardId(ward)],
        })),
        ...inThese.map((p) => ({ personId: patientId(p), name: `Patient ${p}`, roles: ['patient'], wards: [] })),
      ],
      admissions: inThese.map((p) => ({ patientId: patientId(p), wardId: wardId(wardOf(p)), bedId: bedId(p) })),
      careTeams: inThese.map((p) => ({
        patientId: patientId(p),
        bedNurses: [nurseId(wardOf(p))],
        caregivers: [],
      })),
      shifts: wards.map((ward) => ({
        shiftId: `s${ward}`,
        personId: nurseId(ward),
        wardId: wardId(ward),
        role: 'nurse',
        startsAt: '2020-01-01T00:00:00Z',
        endsAt: null,
      })),
    };
    for (;;) {
      const answer = await http('POST', '/v1/hospital/import', { token: adminToken, body, key: `import-${first}` });
      if (answer.status === 200) break;
      if (answer.status !== 202) throw new Error(`import: ${answer.status} ${answer.text}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Alarms at the first sample, so that a run measures the machine and not the 15 s of persistence. */
export async function setQuickLimits(http: Http, adminToken: string, patients: readonly number[]): Promise<void> {
  const limits = [{ vital: 'spo2', below: 90, clearAt: 92, persistSeconds: 0, priority: 'high' }];
  for (const patient of patients) {
    const path = `/v1/patients/${patientId(patient)}/limits`;
    const giveUpAt = performance.now() + knownWithinMs;
    for (;;) {
      const answer = await http('PUT', path, { token: adminToken, body: { limits } });
      if (answer.status === 200) break;
      // The directory is telling the others of the hospital still.
      if (performance.now() > giveUpAt) throw new Error(`${path}: ${answer.status} ${answer.text}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
