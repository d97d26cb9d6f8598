// Counts calls of malloc and its kin, for tests that allow none.
#pragma once
