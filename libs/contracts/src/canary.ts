/**
 * The hospital of the canary: a patient whose SpO2 falls every few seconds and a nurse who is called, so that the whole way
 * of an alarm is walked and timed all day. A hospital of its own, like any other to every service: nothing of it is ever in
 * a room, a list or a figure of a real one.
 */
export const canary = {
  hospital: 'carillon-canary',
  ward: 'canary-ward',
  patient: 'canary-patient',
  nurse: 'canary-nurse',
  doctor: 'canary-doctor',
  operator: 'canary-operator',
} as const;
