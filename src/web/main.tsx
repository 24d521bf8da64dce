import { createRoot } from 'react-dom/client';
import { Explorer } from './pages/explorer/explorer.tsx';
import { applyTheme } from './parts/preferences.ts';

applyTheme();
const root = document.getElementById('root');
if (root) createRoot(root).render(<Explorer />);
