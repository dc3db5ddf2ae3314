import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { badInput } from '@carillon/contracts/errors';
import type { placeWard as placeContract } from '@carillon/contracts/positions';
import type { CommandWork } from '@carillon/runtime/commands';
import { listWards } from '../store-coverage.ts';
import { upsertWardPlace } from '../store-positions.ts';

export async function placeWard(
  { tx, actor }: CommandWork,
  place: InputOf<typeof placeContract>,
): Promise<ResultOf<typeof placeContract>> {
  const { wardId, latitude, longitude, floor = null } = place;
  const known = await listWards(tx, actor.hospital, { after: '', only: wardId, limit: 1 });
  if (known.length === 0) throw badInput([{ path: 'wardId', message: 'No such ward' }]);
  await upsertWardPlace(tx, actor.hospital, wardId, { latitude, longitude, floor });
  return place;
}
