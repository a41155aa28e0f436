import { mount } from 'svelte';
import '../style.css';
import App from './App.svelte';
import { start } from './desk.svelte';
import { keepShell } from './kept.svelte';

keepShell();
start();
mount(App, { target: document.body });
