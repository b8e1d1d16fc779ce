(* LH-6: what the last mile to the sign lattice costs, in angle and in gradient steps.             *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Tactic.
Local Open Scope R_scope.

(* The angle between a key of squared cosine b and the lattice. *)
Definition angle_left (b : R) : R := acos (sqrt b).

(* LH-6. On the geodesic of LH-1, where beta is cos^2 of the angle, the angle that is left at beta is *)
(* arccos sqrt beta; it changes with beta at the rate -1 / (2 sqrt(beta (1 - beta))).                  *)
Theorem LH_6_a_angle_left (b : R) : 0 < b < 1 ->
  cos (angle_left b) ^ 2 = b /\ is_derive angle_left b (- / (2 * sqrt (b * (1 - b)))).
Proof.
intros [b0 b1]; assert (s0 : 0 < sqrt b) by now apply sqrt_lt_R0.
assert (s1 : sqrt b < 1) by (rewrite <- sqrt_1; apply sqrt_lt_1; lra).
assert (ss : sqrt b ^ 2 = b) by (apply pow2_sqrt; lra).
split; [unfold angle_left; rewrite cos_acos; lra|].
assert (hb : -1 < sqrt b < 1) by lra.
assert (d1 : is_derive acos (sqrt b) (-1 / sqrt (1 - Rsqr (sqrt b)))).
  apply is_derive_Reals, (derive_pt_eq_1 _ _ _ (derivable_pt_acos (sqrt b) hb)), derive_pt_acos.
assert (d2 : is_derive sqrt b (/ (2 * sqrt b))) by (apply is_derive_Reals, derivable_pt_lim_sqrt; lra).
assert (d := is_derive_comp acos sqrt b _ _ d1 d2).
assert (t0 : 0 < sqrt (1 - b)) by (apply sqrt_lt_R0; lra).
assert (e : scal (/ (2 * sqrt b)) (-1 / sqrt (1 - Rsqr (sqrt b))) = - / (2 * sqrt (b * (1 - b)))).
  rewrite Rsqr_sqrt, sqrt_mult by lra; unfold scal; simpl; unfold mult; simpl; field; lra.
rewrite <- e; exact d.
Qed.

(* LH-6, its numbers: from 0.98 to 0.99 it takes 0.0417 rad, from 0.99 to the lattice 0.1002 rad. *)
Theorem LH_6_b_numbers :
  Rabs (angle_left 0.98 - angle_left 0.99 - 0.0417) <= 0.0001 /\
  Rabs (angle_left 0.99 - angle_left 1 - 0.1002) <= 0.0001.
Proof.
assert (e : forall b, 0 < b -> angle_left b = atan (sqrt (1 - b) / sqrt b)).
  intros b b0; unfold angle_left; rewrite acos_atan by now apply sqrt_lt_R0.
  now rewrite Rsqr_sqrt by lra.
rewrite !e by lra; replace (1 - 1) with 0 by ring; rewrite sqrt_0; unfold Rdiv at 4; rewrite Rmult_0_l, atan_0.
split; interval.
Qed.

(* LH-6. A gradient step of size eta <= 1/2 from the angle x turns by eta sin x (LH-3 has the length    *)
(* sin x of the gradient; that a step turns the key so is not formal). It leaves at most 1 - eta/2 of   *)
(* the gap 1 - cos x.                                                                                   *)
Theorem LH_6_c_gradient_step (x eta : R) : 0 <= x <= PI / 2 -> 0 <= eta <= 1 / 2 ->
  1 - cos (x - eta * sin x) <= (1 - eta / 2) * (1 - cos x).
Proof.
intros [x0 x1] [e0 e1]; assert (p := PI_RGT_0).
assert (s0 : 0 <= sin x) by (apply sin_ge_0; lra).
assert (c0 : 0 <= cos x) by (apply cos_ge_0; lra).
assert (sb := SIN_bound x); assert (cb := COS_bound x).
assert (sc := sin2_cos2 x); unfold Rsqr in sc.
set (s := sin x) in *; set (c := cos x) in *; set (d := eta * s).
assert (d0 : 0 <= d) by (unfold d; nra); assert (d1 : d <= 1 / 2) by (unfold d; nra).
assert (p3 := PI2_1).
assert (cd : 1 - d ^ 2 / 2 <= cos d).
  destruct (cos_bound d 0) as [h _]; [lra|lra|].
  revert h; unfold cos_approx, cos_term; simpl; intro h; lra.
assert (sd : d - d ^ 3 / 6 <= sin d).
  destruct (sin_bound d 0) as [h _]; [lra|lra|].
  revert h; unfold sin_approx, sin_term; simpl; intro h; lra.
rewrite cos_minus; fold s c.
assert (gain : c * (1 - d ^ 2 / 2) + s * (d - d ^ 3 / 6) <= c * cos d + s * sin d)
  by (apply Rplus_le_compat; apply Rmult_le_compat_l; lra).
enough (c + eta / 2 * (1 - c) <= c * (1 - d ^ 2 / 2) + s * (d - d ^ 3 / 6)) by lra.
assert (low : s ^ 2 * (eta / 2) <= c * (1 - d ^ 2 / 2) + s * (d - d ^ 3 / 6) - c).
  replace (c * (1 - d ^ 2 / 2) + s * (d - d ^ 3 / 6) - c)
    with (s ^ 2 * (eta - c * eta ^ 2 / 2 - eta ^ 3 * s ^ 2 / 6)) by (unfold d; field).
  apply Rmult_le_compat_l; [nra|].
  assert (c * eta ^ 2 <= eta ^ 2) by nra.
  assert (s ^ 2 <= 1) by nra; assert (0 <= eta ^ 3) by (apply pow_le; lra).
  assert (eta ^ 3 * s ^ 2 <= eta ^ 3) by nra.
  assert (eta ^ 2 <= eta / 2) by nra; assert (eta ^ 3 <= eta / 4) by (simpl; nra).
  lra.
assert (gap : 1 - c <= s ^ 2) by nra.
assert (eta / 2 * (1 - c) <= eta / 2 * s ^ 2) by (apply Rmult_le_compat_l; lra).
lra.
Qed.

(* LH-6. So n such steps leave at most (1 - eta/2)^n of the gap: logarithmically many steps suffice. *)
Theorem LH_6_d_linear_convergence (x : nat -> R) (eta : R) : 0 <= eta <= 1 / 2 ->
  0 <= x O <= PI / 2 -> (forall n, x (S n) = x n - eta * sin (x n)) ->
  forall n, 0 <= x n <= PI / 2 /\ 1 - cos (x n) <= (1 - eta / 2) ^ n * (1 - cos (x O)).
Proof.
intros he h0 step n; assert (p := PI_RGT_0).
induction n as [|n [[l u] IH]]; [split; [easy|simpl; lra]|].
assert (s0 : 0 <= sin (x n)) by (apply sin_ge_0; lra).
assert (sx : sin (x n) <= x n).
  destruct (Req_dec (x n) 0) as [z|z]; [rewrite z, sin_0; lra|apply Rlt_le, sin_lt_x; lra].
split; [rewrite step; nra|].
apply Rle_trans with ((1 - eta / 2) * (1 - cos (x n))); [rewrite step; now apply LH_6_c_gradient_step|].
simpl; rewrite Rmult_assoc; apply Rmult_le_compat_l; lra.
Qed.
