import { RCP_ACKNOWLEDGEMENT } from '../early-warning.ts';
import { Dialog } from './dialog.tsx';
import { CheckIcon, LatchIcon, PriorityIcon } from './icons.tsx';

const KEYS: readonly [string[], string][] = [
  [['j', '↓'], 'next alert'],
  [['k', '↑'], 'previous alert'],
  [['a'], 'acknowledge the chosen alert'],
  [['d'], 'decline the chosen alert, when you are paged'],
  [['r'], 'resolve the chosen alert'],
  [['Enter'], 'details of the chosen alert'],
  [['p'], 'go to your page'],
  [['1', '…', '9'], 'open a bed, in the order of the board'],
  [['c'], 'chart for the open or chosen bed'],
  [['w'], 'next ward'],
  [['n'], 'raise an alert'],
  [['s'], 'sound on or off'],
  [['t'], 'light or dark'],
  [['Esc'], 'close what is open'],
  [['?'], 'this help'],
];

export const HelpDialog = ({ onClose }: { onClose: () => void }) => (
  <Dialog title="Help" onClose={onClose}>
    <h3>Keys</h3>
    <dl className="keys">
      {KEYS.map(([keys, what]) => (
        <div key={what}>
          <dt>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
    <h3>Signs</h3>
    <ul className="legend">
      <li>
        <span className="priority" data-priority="high">
          <PriorityIcon priority="high" /> High
        </span>{' '}
        act at once
      </li>
      <li>
        <span className="priority" data-priority="medium">
          <PriorityIcon priority="medium" /> Medium
        </span>{' '}
        act promptly
      </li>
      <li>
        <span className="priority" data-priority="low">
          <PriorityIcon priority="low" /> Low
        </span>{' '}
        be aware
      </li>
      <li>
        <span className="state-word">
          <CheckIcon /> Acknowledged
        </span>{' '}
        someone has answered; the condition may go on
      </li>
      <li>
        <span className="state-word">
          <LatchIcon /> Latched
        </span>{' '}
        the condition is over and nobody has answered
      </li>
    </ul>
    <p className="quiet">{RCP_ACKNOWLEDGEMENT}</p>
    <p className="quiet">Carillon is not a certified medical device.</p>
  </Dialog>
);
