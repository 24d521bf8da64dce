import 'uplot/dist/uPlot.min.css';
import './theme.css';
import './chrome.css';
import './pages/explorer/query-input.css';
import './pages/explorer/time-picker.css';
import './pages/explorer/charts.css';
import './pages/explorer/facets.css';
import './pages/explorer/explorer.css';
import './pages/explorer/list.css';
import './pages/explorer/details.css';
import { createRoot } from 'react-dom/client';
import { Explorer } from './pages/explorer/explorer.tsx';
import { applyTheme } from './parts/preferences.ts';

applyTheme();
const root = document.getElementById('root');
if (root) createRoot(root).render(<Explorer />);
