import { useState } from 'react';
import { serverNow } from '../clock.ts';
import { type Edited, type EditedKind, begin, readStored } from '../edited.ts';
import { newPolicy } from '../policy-draft.ts';
import { newGroup, newSchedule } from '../schedule-draft.ts';
import { Coverage } from './coverage.tsx';
import { GroupForm } from './group-form.tsx';
import { Groups } from './groups.tsx';
import { useLive } from './hooks.ts';
import { OnCall } from './on-call.tsx';
import { Policies } from './policies.tsx';
import { PolicyForm } from './policy-form.tsx';
import { ScheduleForm } from './schedule-form.tsx';
import { StepIn } from './step-in.tsx';
import { WouldCall } from './would-call.tsx';
import { useNameable } from './use-nameable.ts';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 60_000;

type PlansProps = { edited: Edited | undefined; onEdit: (edited: Edited | undefined) => void };

/** Who would be called: when nobody would come, who is on call, and the plans that say so. */
export const Plans = ({ edited, onEdit }: PlansProps) => {
  const [said, setSaid] = useState('');
  const edit = (next: Edited | undefined): void => {
    setSaid('');
    onEdit(next);
  };
  const saved = (what: string): void => {
    onEdit(undefined);
    setSaid(what);
  };
  return (
    <main className="operations" aria-labelledby="plans-title" data-testid="plans">
      <h2 id="plans-title">On call and escalation</h2>
      <p role="status" data-testid="plans-said">
        {said}
      </p>
      {edited === undefined ? <Lists onEdit={edit} /> : <Editor edited={edited} onEdit={edit} onSaved={saved} />}
    </main>
  );
};

type EditorProps = { edited: Edited; onEdit: PlansProps['onEdit']; onSaved: (said: string) => void };

const Editor = ({ edited, ...ends }: EditorProps) => {
  switch (edited.kind) {
    case 'policy':
      return <PolicyEditor edited={edited} {...ends} />;
    case 'schedule':
      return <ScheduleForm edited={edited} {...ends} />;
    case 'group':
      return <GroupForm edited={edited} {...ends} />;
  }
};

const PolicyEditor = (props: Omit<EditorProps, 'edited'> & { edited: Extract<Edited, { kind: 'policy' }> }) => (
  <PolicyForm {...props} nameable={useNameable()} />
);

const Lists = ({ onEdit }: Pick<PlansProps, 'onEdit'>) => {
  const { api, me } = useLive();
  const coverage = useRefreshed(api.coverage, REFRESH_EVERY_MS);
  const onCall = useRefreshed(api.onCall, REFRESH_EVERY_MS);
  const policies = useRefreshed(api.policies, REFRESH_EVERY_MS);
  const groups = useRefreshed(api.groups, REFRESH_EVERY_MS);
  const [failure, setFailure] = useState<string>();
  /** How often who is on call was changed here. */
  const [round, setRound] = useState(0);
  const isAdmin = me.roles.includes('admin');
  const writesPolicies = isAdmin || me.roles.includes('doctor');
  const writesSchedules = writesPolicies || me.roles.includes('operator');

  const changed = (): void => {
    onCall.refresh();
    coverage.refresh();
    setRound((now) => now + 1);
  };
  /** Read anew, so that nobody begins with what is a minute old. */
  const open = async (kind: EditedKind, id: string): Promise<void> => {
    try {
      const stored = await readStored(api, kind, id);
      if (stored === undefined) throw new Error('It is there no more.');
      setFailure(undefined);
      onEdit(stored.edited);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  const edit = (kind: EditedKind, blank: () => Edited) => (id: string | undefined) =>
    id === undefined ? onEdit(blank()) : void open(kind, id);
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const editSchedule = edit('schedule', () => begin.schedule(newSchedule(serverNow(), zone)));
  const editPolicy = writesPolicies ? edit('policy', () => begin.policy(newPolicy)) : undefined;

  return (
    <>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          It cannot be edited. {failure}
        </p>
      )}
      <div className="operations-columns">
        <Coverage coverage={coverage} policies={policies.latest?.value ?? []} onMend={editPolicy} />
        <OnCall
          schedules={onCall}
          onEdit={writesSchedules ? editSchedule : undefined}
          onChange={writesSchedules ? changed : undefined}
        />
        {writesSchedules && onCall.latest !== undefined && onCall.latest.value.length > 0 && (
          <StepIn schedules={onCall.latest.value} onDone={changed} />
        )}
        <WouldCall round={round} wards={coverage.latest?.value.wards ?? []} policies={policies.latest?.value ?? []} />
        <Policies policies={policies} onEdit={editPolicy} />
        <Groups groups={groups} onEdit={isAdmin ? edit('group', () => begin.group(newGroup)) : undefined} />
      </div>
    </>
  );
};
