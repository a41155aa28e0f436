import { mount } from 'svelte';
import App from './App.svelte';
import { start } from './place.svelte';
import './style.css';

start();
mount(App, { target: document.body });
