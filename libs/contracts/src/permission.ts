/** Whether a rule permits: one pure function for the gateway (on its view of the directory) and for each service. */
import { staffRoles, type Actor, type Role, type Rule } from './define.ts';

/** What must be known of the directory to judge a relation; each reader has its own source for it. */
export type Relations = {
  /** Wards to which the person belongs. */
  wardsOf(person: string): ReadonlySet<string>;
  /** The ward where the patient lies; undefined for one who is not admitted or not known. */
  wardOfPatient(patientId: string): string | undefined;
  /** Patients whose caregiver the person is. */
  patientsCaredForBy(person: string): ReadonlySet<string>;
  /** Patients to whom the person has broken the glass, and that has not ended. */
  brokenGlassOf(person: string): ReadonlySet<string>;
};

const isStaff = (role: Role): boolean => (staffRoles as readonly Role[]).includes(role);

/**
 * @param input the command's or query's input, or `{ id }` of a room
 * @returns whether any rule permits. `entity` rules permit here on the role alone; their owner must look further.
 */
export function isPermitted(
  rules: readonly Rule[],
  actor: Actor,
  input: Readonly<Record<string, unknown>>,
  relations: Relations,
): boolean {
  return rules.some((rule) => {
    if (!rule.roles.some((role) => actor.roles.includes(role))) return false;
    if (rule.relation === 'entity') return true;
    const target = rule.field === undefined ? undefined : input[rule.field];
    // A room of a hospital names it; an operation is always within the actor's own.
    if (rule.relation === 'hospital') return rule.field === undefined || target === actor.hospital;
    if (typeof target !== 'string') return false;
    switch (rule.relation) {
      case 'ward':
        return relations.wardsOf(actor.person).has(target);
      case 'wardOfPatient': {
        const ward = relations.wardOfPatient(target);
        if (ward !== undefined && relations.wardsOf(actor.person).has(ward)) return true;
        // Broken as a clinician: it opens nothing that is another role's.
        const isClinical = rule.roles.some((role) => isStaff(role) && actor.roles.includes(role));
        return isClinical && relations.brokenGlassOf(actor.person).has(target);
      }
      case 'self':
        return target === actor.person;
      case 'caregiver':
        return relations.patientsCaredForBy(actor.person).has(target);
    }
    return false;
  });
}
