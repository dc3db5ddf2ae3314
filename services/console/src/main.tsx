import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/bed.css';
import './styles/alerts.css';
import './styles/detail.css';
import './styles/letters.css';
import './styles/notices.css';
import './styles/operations.css';
import './styles/coverage.css';
import './styles/plans.css';
import { createRoot } from 'react-dom/client';
import { applyRememberedTheme } from './theme.ts';
import { App } from './ui/app.tsx';

applyRememberedTheme();
const root = document.getElementById('root');

/** A board that has crashed must not stand there empty: say so, and begin again. */
const startAgain = (): void => {
  document.body.textContent = 'The page has failed and is being loaded again.';
  setTimeout(() => location.reload(), 3000);
};

if (root) {
  const onUncaughtError = (error: unknown): void => {
    console.error(error);
    startAgain();
  };
  createRoot(root, { onUncaughtError }).render(<App />);
}
