/** What a condition says to people. English until the catalogue of messages exists. */
import { vitalSigns, type NumericVital } from '@carillon/contracts/vital-signs';
import type { Combination } from './combination.ts';
import { limitSide, thresholdOf } from './limit.ts';
import type { TechnicalReason, Transition } from './patient-state.ts';
import { news2Kind } from './score-part.ts';
import type { Trend } from './trend.ts';
import { deviceBatteryKind, deviceSilentKind } from './signal-part.ts';

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

const reasons: Readonly<Record<TechnicalReason, string>> = {
  invalid: 'the device cannot measure it',
  unavailable: 'the device has no value',
  off: 'the sensor is off',
  suspect: 'only doubtful values come',
  notBound: 'the device is not bound to this patient',
  late: 'its values are too old when they come: look at the clock of the device',
  silent: 'nothing comes',
  battery: 'the battery is low',
  over: 'it is not missed any more',
};

function technicalMessage(kind: string, { reason, vital }: NonNullable<Transition['technical']>): string {
  const isOver = reason === 'over';
  if (kind === deviceBatteryKind) return isOver ? 'The battery is no longer low' : 'The battery of a device is low';
  if (kind === deviceSilentKind && isOver) return 'The device is heard again';
  if (kind === deviceSilentKind) return reason === 'silent' ? 'A device is silent' : `A device: ${reasons[reason]}`;
  const name = vital === undefined || vital === 'consciousness' ? kind : names[vital];
  return `${name}: ${reasons[reason]}`;
}

const unitOf = (vital: NumericVital): string => units[vitalSigns[vital].unit] ?? vitalSigns[vital].unit;

const partMessage = (part: Combination['all'][number]): string =>
  `${names[part.vital]} ${limitSide(part)} ${thresholdOf(part)} ${unitOf(part.vital)}`;

function trendMessage({ vital, direction, change, windowMinutes }: Trend, value: number | undefined): string {
  const [name, unit] = vital === 'news2' ? ['NEWS2', 'points'] : [names[vital], unitOf(vital)];
  const by = Number(Math.abs(value ?? change).toFixed(1));
  return `${name} ${direction} by ${by} ${unit} in ${windowMinutes} min`;
}

export function conditionMessage({ kind, vital, limit, combination, trend, value, technical }: Transition): string {
  if (technical !== undefined) return technicalMessage(kind, technical);
  if (kind === news2Kind) return value === undefined ? 'NEWS2 does not apply' : `NEWS2 is ${value} or more`;
  if (combination !== undefined) return `${combination.name}: ${combination.all.map(partMessage).join(' and ')}`;
  if (trend !== undefined) return trendMessage(trend, value);
  if (vital === undefined) return `${kind}: the rule was removed`;
  const unit = unitOf(vital);
  if (limit === undefined) return `${names[vital]}: the limit was removed`;
  const side = limitSide(limit);
  const measured = value === undefined ? '' : ` ${value} ${unit}`;
  return `${names[vital]}${measured}, limit ${side} ${limit.above ?? limit.below ?? '?'} ${unit}`;
}
