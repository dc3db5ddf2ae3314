/** Who follows which topic: a person decides that for himself. */
import type { InputOf, ResultOf } from '@carillon/contracts/define';
import { CodedError, badInput } from '@carillon/contracts/errors';
import { maxTopics, type listTopics, type subscribeTopic, type unsubscribeTopic } from '@carillon/contracts/notices';
import type { CommandWork } from '@carillon/runtime/commands';
import type { QueryWork } from '@carillon/runtime/queries';
import { deleteFollower, insertFollower, listTopics as selectTopics, lockFollower } from '../store-notices.ts';

export async function followTopic(
  { tx, actor }: CommandWork,
  { topic }: InputOf<typeof subscribeTopic>,
): Promise<ResultOf<typeof subscribeTopic>> {
  const { hospital, person } = actor;
  if (!(await lockFollower(tx, hospital, person))) throw new CodedError('forbidden', 'The directory does not know you');
  await insertFollower(tx, hospital, topic, person);
  const topics = await selectTopics(tx, hospital, person);
  if (topics.length > maxTopics) throw badInput([{ path: 'topic', message: `At most ${maxTopics} topics a person` }]);
  return { topics };
}

export async function leaveTopic(
  { tx, actor }: CommandWork,
  { topic }: InputOf<typeof unsubscribeTopic>,
): Promise<ResultOf<typeof unsubscribeTopic>> {
  await deleteFollower(tx, actor.hospital, topic, actor.person);
  return { topics: await selectTopics(tx, actor.hospital, actor.person) };
}

export async function readTopics({ sql, actor }: QueryWork): Promise<ResultOf<typeof listTopics>> {
  return { topics: await selectTopics(sql, actor.hospital, actor.person) };
}
