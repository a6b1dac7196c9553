import '../app/trusted-types';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/till.css';

import { keepApp } from '../app/keep-app';
import { applyTheme } from '../app/settings';
import { placeIcons } from '../ui/icon';
import { TillPage } from './till-page';

applyTheme();
placeIcons();
const till = new TillPage();
document.getElementById('app')?.replaceWith(till);
keepApp((takeOver) => till.offerUpdate(takeOver)).catch((error: unknown) => console.warn(error));
