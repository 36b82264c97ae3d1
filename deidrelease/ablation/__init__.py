"""Many runs that differ in a few settings, on the same folds of patients, each thing made once."""
