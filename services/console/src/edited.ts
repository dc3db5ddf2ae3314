/** A policy, schedule or group that somebody writes: as it was when he began, and as it is now. */
import { CodedError } from '@carillon/client/client';
import type { Api } from './api.ts';
import { type PolicyDraft, policyDraft, policyOf } from './policy-draft.ts';
import { sayApplies, sayLevel } from './policies.ts';
import {
  type GroupDraft,
  type ScheduleDraft,
  groupDraft,
  groupOf,
  sayLayer,
  scheduleDraft,
  scheduleOf,
} from './schedule-draft.ts';

type Writing<K extends string, D> = {
  kind: K;
  /** With which it begins, and without which nothing is overwritten; 0 for one that is new. */
  version: number;
  first: D;
  draft: D;
};
export type Edited = Writing<'policy', PolicyDraft> | Writing<'schedule', ScheduleDraft> | Writing<'group', GroupDraft>;
export type EditedKind = Edited['kind'];

export const begin = {
  policy: (draft: PolicyDraft, version = 0): Edited => ({ kind: 'policy', version, first: draft, draft }),
  schedule: (draft: ScheduleDraft, version = 0): Edited => ({ kind: 'schedule', version, first: draft, draft }),
  group: (draft: GroupDraft, version = 0): Edited => ({ kind: 'group', version, first: draft, draft }),
};

export const isChanged = ({ first, draft }: Edited): boolean => JSON.stringify(first) !== JSON.stringify(draft);

export const idOf = (edited: Edited): string => {
  switch (edited.kind) {
    case 'policy':
      return edited.draft.policyId.trim();
    case 'schedule':
      return edited.draft.scheduleId.trim();
    case 'group':
      return edited.draft.groupId.trim();
  }
};

/** What is stored now, to be edited, and what it says. Undefined where there is none (any more). */
export type Stored = { edited: Edited; said: readonly string[] };

export const readStored = async (api: Api, kind: EditedKind, id: string): Promise<Stored | undefined> => {
  try {
    switch (kind) {
      case 'policy': {
        const policy = await api.policy(id);
        const said = [`${policy.name ?? id}, for ${sayApplies(policy)}`, ...policy.levels.map(sayLevel)];
        return { edited: begin.policy(policyDraft(policy), policy.version), said };
      }
      case 'schedule': {
        const schedule = await api.schedule(id);
        return {
          edited: begin.schedule(scheduleDraft(schedule), schedule.version),
          said: [`${schedule.name}, by ${schedule.timeZone}`, ...schedule.layers.map(sayLayer)],
        };
      }
      case 'group': {
        const group = (await api.groups()).find(({ groupId }) => groupId === id);
        if (group === undefined) return undefined;
        return {
          edited: begin.group(groupDraft(group), group.version),
          said: [`${group.name}: ${group.people.join(', ')}`],
        };
      }
    }
  } catch (error) {
    if (error instanceof CodedError && error.code === 'not_found') return undefined;
    throw error;
  }
};

/** Refused where somebody else has saved it since. */
export const save = (api: Api, edited: Edited): Promise<unknown> => {
  const ifVersion = edited.version;
  switch (edited.kind) {
    case 'policy':
      return api.setPolicy({ ...policyOf(edited.draft), ifVersion });
    case 'schedule':
      return api.setSchedule({ ...scheduleOf(edited.draft), ifVersion });
    case 'group':
      return api.setGroup({ ...groupOf(edited.draft), ifVersion });
  }
};

export const remove = (api: Api, edited: Edited): Promise<unknown> => {
  const ifVersion = edited.version;
  switch (edited.kind) {
    case 'policy':
      return api.removePolicy({ policyId: edited.draft.policyId, ifVersion });
    case 'schedule':
      return api.removeSchedule({ scheduleId: edited.draft.scheduleId, ifVersion });
    case 'group':
      return api.removeGroup({ groupId: edited.draft.groupId, ifVersion });
  }
};
