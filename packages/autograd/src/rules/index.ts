/** Importing this file gives the tensor package's ops their gradients. */
import './pointwise.ts';
import './views.ts';
import './matmul.ts';
import './norm.ts';
import './loss.ts';
import './gather.ts';
import './conv.ts';
import './attention.ts';
