// Everything that a user of the actor runtime needs but a transport: Runtime, Actor,
// Handle, Group, Task, Stream, spawn().
#pragma once

#include "actors/dispatch.h"
#include "actors/handle.h"
#include "actors/objects/object_ref.h"
#include "actors/reactor.h"
#include "actors/spawn.h"
