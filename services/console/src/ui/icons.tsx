import type { JSX } from 'react';
import type { Priority } from '../shapes.ts';

const STROKE = {
  fill: 'none',
  stroke: 'currentColor',
  strokeWidth: 2,
  strokeLinecap: 'round',
  strokeLinejoin: 'round',
} as const;

const drawn = (content: JSX.Element, viewBox = '0 0 24 24') => (
  <svg className="icon" viewBox={viewBox} aria-hidden="true" focusable="false">
    {content}
  </svg>
);

const MARKS: Record<Priority, readonly number[]> = { high: [7.6, 12, 16.4], medium: [9.8, 14.2], low: [12] };

/** IEC 60601-1-8: the alarm triangle with three, two or one marks, so that priority never hangs on colour alone. */
export const PriorityIcon = ({ priority }: { priority: Priority }) =>
  drawn(
    <>
      <path
        d="M12 2.6 22.600 21.200H1.400Z"
        fill="currentColor"
        stroke="currentColor"
        strokeWidth={1.6}
        strokeLinejoin="round"
      />
      <g className="icon-mark">
        {MARKS[priority].map((x) => (
          <g key={x}>
            <rect x={x - 1.05} y="10.6" width="2.1" height="5.400" rx="1" />
            <rect x={x - 1.05} y="17.2" width="2.1" height="2.1" rx="1.05" />
          </g>
        ))}
      </g>
    </>,
  );

export const CheckIcon = () => drawn(<path d="m4.500 12.500 5 5 10-11" {...STROKE} strokeWidth={2.6} />);
export const LatchIcon = () =>
  drawn(
    <g {...STROKE}>
      <rect x="5" y="11" width="14" height="9.500" rx="2" />
      <path d="M8 11V7.500a4 4 0 0 1 8 0V11" />
    </g>,
  );
export const BellIcon = () =>
  drawn(
    <g {...STROKE}>
      <path d="M6 17V10.500a6 6 0 0 1 12 0V17l1.500 2h-15Z" />
      <path d="M10 21.500h4" />
    </g>,
  );
export const SoundOnIcon = () =>
  drawn(
    <g {...STROKE}>
      <path d="M4 9.500v5h3.500L12 18.500v-13L7.500 9.500Z" />
      <path d="M15.500 9a4.200 4.200 0 0 1 0 6M18.200 6.300a8 8 0 0 1 0 11.400" />
    </g>,
  );
export const SoundOffIcon = () =>
  drawn(
    <g {...STROKE}>
      <path d="M4 9.500v5h3.500L12 18.500v-13L7.500 9.500ZM16 9.500l5 5M21 9.500l-5 5" />
    </g>,
  );
export const SunIcon = () =>
  drawn(
    <g {...STROKE}>
      <circle cx="12" cy="12" r="4.200" />
      <path d="M12 2.500v2.200M12 19.300v2.200M2.500 12h2.200M19.300 12h2.200M5.300 5.300l1.600 1.600M17.100 17.100l1.600 1.600M5.300 18.700l1.600-1.600M17.100 6.900l1.600-1.600" />
    </g>,
  );
export const MoonIcon = () =>
  drawn(<path d="M20 14.300A8.300 8.300 0 1 1 9.700 4a6.600 6.600 0 0 0 10.300 10.300Z" {...STROKE} />);
export const ChevronIcon = () => drawn(<path d="m6 9.5 6 6 6-6" {...STROKE} strokeWidth={2.4} />);
export const MegaphoneIcon = () =>
  drawn(<path d="M4 9.500v5h3.500l8 4.500V5l-8 4.500Zm15.500-.5a4.500 4.500 0 0 1 0 6" {...STROKE} />);
export const CloseIcon = () => drawn(<path d="m6 6 12 12M18 6 6 18" {...STROKE} />);
export const BrokenLinkIcon = () =>
  drawn(
    <g {...STROKE}>
      <path d="M2.500 8.700a14 14 0 0 1 5-3M21.500 8.700A14 14 0 0 0 12 5M6 12.700a9 9 0 0 1 3.300-2M18 12.700a9 9 0 0 0-2.200-1.500M9.300 16.300a4.400 4.400 0 0 1 5 0" />
      <path d="m4 3 16 18" />
      <circle cx="12" cy="19.500" r=".6" />
    </g>,
  );
export const HelpIcon = () =>
  drawn(
    <g {...STROKE}>
      <path d="M8.800 9a3.300 3.300 0 1 1 4.700 3c-1 .5-1.500 1.200-1.500 2.400" />
      <circle cx="12" cy="18" r=".5" />
    </g>,
  );
export const LeaveIcon = () =>
  drawn(
    <path
      d="M14 4H6.500A1.500 1.500 0 0 0 5 5.500v13A1.500 1.500 0 0 0 6.500 20H14M10.500 12H21m-4-4 4 4-4 4"
      {...STROKE}
    />,
  );
export const PlusIcon = () => drawn(<path d="M12 5v14M5 12h14" {...STROKE} strokeWidth={2.4} />);
export const BellMark = () => (
  <svg className="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
    <path d="M16 3.500a2.200 2.200 0 0 1 2.200 2.200v.7c4.200 1 7 4.600 7 8.900v5l2.300 3.200c.6.800 0 2-1 2h-21c-1 0-1.600-1.200-1-2l2.300-3.200v-5c0-4.300 2.800-7.900 7-8.900v-.7A2.200 2.200 0 0 1 16 3.500Z" />
    <path d="M12.500 27h7a3.500 3.500 0 0 1-7 0Z" />
  </svg>
);
