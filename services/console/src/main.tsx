import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/frame.css';
import './styles/bed.css';
import './styles/alerts.css';
import './styles/detail.css';
import { createRoot } from 'react-dom/client';
import { applyRememberedTheme } from './theme.ts';
import { App } from './ui/app.tsx';

applyRememberedTheme();
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
