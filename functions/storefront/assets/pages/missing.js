import { missing, start } from '../main.js';

start(async () => missing());
