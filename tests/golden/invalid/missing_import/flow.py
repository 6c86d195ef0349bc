import a_package_that_is_not_there
from laminar_runtime import Flow, Layer
