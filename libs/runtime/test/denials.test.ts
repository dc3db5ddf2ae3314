import { expect, test } from '@jest/globals';
import { shownSubject } from '@carillon/runtime/denials';

test.each([
  ['care.h1.w1.patient-7.critical.alert.raised', 'care.*.*.*.*.alert.raised'],
  ['vitals.h1.w1.patient-7', 'vitals.*.*.*'],
  ['directory.h1.person.patient-7.changed', 'directory.*.person.*.changed'],
  ['$KV.people.h1.patient-7', '$KV.people.*.*'],
  ['$KV.unknown.h1.patient-7', '$KV.>'],
  ['care.h1.w1.patient-7.critical.alert.forged', 'care.>'],
  ['cmd.directory.critical.access.revoke', 'cmd.directory.critical.access.revoke'],
  ['$JS.API.STREAM.INFO.CARE', '$JS.API.STREAM.INFO.CARE'],
  ['dead.monitoring.care.h1.w1.patient-7.critical.alert.raised', 'dead.>'],
])('of a denied subject %s a log says %s', (subject, shown) => {
  expect(shownSubject(subject)).toBe(shown);
});
