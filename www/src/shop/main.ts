import '../app/trusted-types';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/shop.css';

import { keepApp } from '../app/keep-app';
import { applyTheme } from '../app/settings';
import { placeIcons } from '../ui/icon';
import { shop } from './shop';
import { ShopPage } from './shop-page';

applyTheme();
placeIcons();
document.getElementById('app')?.replaceWith(new ShopPage());
void shop.start();
// Another version waits until the till offers it, which knows when nothing is lost by a reload.
keepApp(() => undefined).catch((error: unknown) => console.warn(error));
