// A library must have a source; what it is for are the headers that are precompiled with it.
