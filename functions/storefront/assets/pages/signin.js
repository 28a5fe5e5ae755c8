import { sign } from '../parts/sign.js';

sign('in');
