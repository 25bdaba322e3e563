// Plain C: the specification every other instruction set is tested against.

#include <stdint.h>

#include "convolution.h"
#include "linear.h"

#define CK_ISA_SCALAR
#define CK_ISA_NAME "scalar"
#define CK_LANES 1
#define CK_NAME(f) f##_scalar

#include "bodies.inc"
