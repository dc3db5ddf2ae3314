/** What a condition says to people. English until the catalogue of messages exists. */
import { vitalSigns, type NumericVital } from '@carillon/contracts/vital-signs';
import { limitSide } from './alarm-engine.ts';
import { news2Kind, type Transition } from './patient-monitor.ts';

const names: Readonly<Record<NumericVital, string>> = {
  heartRate: 'Heart rate',
  pulse: 'Pulse',
  respirationRate: 'Respiration rate',
  spo2: 'SpO2',
  temperature: 'Temperature',
  systolic: 'Systolic pressure',
  diastolic: 'Diastolic pressure',
  meanPressure: 'Mean pressure',
  glucose: 'Glucose',
  height: 'Height',
  weight: 'Weight',
  bodyMassIndex: 'Body mass index',
  oxygenFlow: 'Oxygen flow',
  oxygenConcentration: 'Oxygen concentration',
  glasgowComaScale: 'Glasgow coma scale',
};
const units: Readonly<Record<string, string>> = { Cel: '°C', 'mm[Hg]': 'mmHg', '{score}': 'points' };

export function conditionMessage({ kind, vital, limit, value }: Transition): string {
  if (kind === news2Kind) return `NEWS2 is ${value ?? '?'} or more`;
  if (vital === undefined) return kind;
  const unit = units[vitalSigns[vital].unit] ?? vitalSigns[vital].unit;
  if (limit === undefined) return `${names[vital]}: the limit was removed`;
  const side = limitSide(limit);
  return `${names[vital]} ${value ?? '?'} ${unit}, limit ${side} ${limit.above ?? limit.below ?? '?'} ${unit}`;
}
