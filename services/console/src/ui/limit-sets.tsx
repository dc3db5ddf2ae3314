import { useState } from 'react';
import { sayIssues } from '../failures.ts';
import { dayAndMinute } from '../format.ts';
import { sayAges } from '../limits.ts';
import type { LimitSet } from '../shapes.ts';
import { Dialog } from './dialog.tsx';
import { useCell, useLive } from './hooks.ts';
import { LimitSetForm } from './limit-set-form.tsx';
import { LimitTable } from './limit-table.tsx';
import { useRefreshed } from './use-refreshed.ts';

const REFRESH_EVERY_MS = 60_000;

/** The limits of those who have none of their own, by age and ward, and who answers for them. */
export const LimitSets = () => {
  const { api } = useLive();
  const { latest, failure, refresh } = useRefreshed(api.limitSets, REFRESH_EVERY_MS);
  const [shown, setShown] = useState<LimitSet>();
  const close = (): void => {
    setShown(undefined);
    refresh();
  };
  return (
    <section className="operation" aria-labelledby="limit-sets-title" data-testid="limit-sets">
      <h3 id="limit-sets-title">Default limits</h3>
      <p className="quiet">For patients without limits of their own. A set is to be checked and signed by a doctor.</p>
      {failure !== undefined && (
        <p className="letters-failure" role="alert">
          No newer list. {failure}
        </p>
      )}
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Set</th>
            <th scope="col">Age</th>
            <th scope="col">Ward</th>
            <th scope="col">Signed off</th>
            <th scope="col">
              <span className="sr-only">Look at it</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {(latest?.value ?? []).map((set) => (
            <Row key={`${set.setId} ${set.version}`} set={set} onShow={() => setShown(set)} />
          ))}
        </tbody>
      </table>
      {shown !== undefined && <SetDialog set={shown} onClose={close} />}
    </section>
  );
};

const useSigned = ({ signedOffBy, signedOffAt, isInForce }: LimitSet): string => {
  const names = useCell(useLive().names);
  if (signedOffBy === null) return isInForce ? 'not signed off' : 'draft';
  return `${names.get(signedOffBy) ?? signedOffBy}${signedOffAt === null ? '' : `, ${dayAndMinute(signedOffAt)}`}`;
};

const Row = ({ set, onShow }: { set: LimitSet; onShow: () => void }) => {
  const signed = useSigned(set);
  const ward = useLive().me.wards.find(({ wardId }) => wardId === set.wardId);
  return (
    <tr data-testid={`limit-set-${set.setId}`}>
      <th scope="row">{set.label}</th>
      <td>{sayAges(set)}</td>
      <td>{ward?.name ?? set.wardId ?? 'any'}</td>
      <td>{signed}</td>
      <td>
        <button type="button" className="button" aria-label={`Look at ${set.label}`} onClick={onShow}>
          Look
        </button>
      </td>
    </tr>
  );
};

const SetDialog = ({ set, onClose }: { set: LimitSet; onClose: () => void }) => {
  const { api, me } = useLive();
  const [failure, setFailure] = useState<string>();
  const [isChanging, setChanging] = useState(false);
  const { setId, version, label, source, signedOffBy } = set;
  const sign = (): void =>
    void api
      .signLimitSet({ setId, version })
      .then(onClose)
      .catch((error: unknown) => setFailure(sayIssues(error)));
  if (isChanging) {
    return (
      <Dialog title={label} onClose={onClose}>
        <LimitSetForm set={set} onDone={onClose} onCancel={() => setChanging(false)} />
      </Dialog>
    );
  }
  return (
    <Dialog title={label} onClose={onClose}>
      <LimitTable rules={set} />
      <p className="quiet">Source: {source}.</p>
      <div role="status">{failure !== undefined && <p className="letters-failure">{failure}</p>}</div>
      <div className="form-actions">
        {(me.roles.includes('doctor') || me.roles.includes('admin')) && (
          <button type="button" className="button" data-testid="limit-set-change" onClick={() => setChanging(true)}>
            Change…
          </button>
        )}
        {signedOffBy === null && me.roles.includes('doctor') && (
          <button type="button" className="button primary" data-testid="limit-set-sign" onClick={sign}>
            I have checked these limits: sign
          </button>
        )}
      </div>
    </Dialog>
  );
};
