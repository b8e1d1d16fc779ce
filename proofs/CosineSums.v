(* Means of |cos| over equally spaced phases: the arithmetic behind RC-7 and MR-5.                 *)
From Coq Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
Local Open Scope R_scope.

(* f 0 + ... + f (m - 1) *)
Fixpoint csum (f : nat -> R) (m : nat) : R :=
  match m with O => 0 | S n => csum f n + f n end.

Lemma csum_ext f g m : (forall j, (j < m)%nat -> f j = g j) -> csum f m = csum g m.
Proof.
induction m as [|m IH]; [easy|intro e; simpl; rewrite (e m) by lia].
rewrite IH; [easy|intros; apply e; lia].
Qed.

Lemma csum_shift f m : csum (fun j => f (S j)) m = csum f m + f m - f O.
Proof. induction m as [|m IH]; simpl; [ring|rewrite IH; simpl; ring]. Qed.

Lemma csum_cos phi alpha m :
  csum (fun j => cos (phi + INR j * alpha)) m * (2 * sin (alpha / 2)) =
  sin (phi + INR m * alpha - alpha / 2) - sin (phi - alpha / 2).
Proof.
induction m as [|m IH]; [|].
  replace (phi + INR 0 * alpha - alpha / 2) with (phi - alpha / 2) by (simpl; ring); simpl; ring.
cbn [csum]; rewrite Rmult_plus_distr_r, IH, S_INR.
replace (phi + (INR m + 1) * alpha - alpha / 2) with (phi + INR m * alpha + alpha / 2) by field.
rewrite (sin_plus (phi + INR m * alpha)), (sin_minus (phi + INR m * alpha)); ring.
Qed.

Section Phases.
Variable m : nat.
Hypothesis m0 : (0 < m)%nat.
Let step := PI / INR m.

Lemma INR_m : 0 < INR m.
Proof. now apply lt_0_INR. Qed.

Lemma step_gt0 : 0 < step.
Proof. apply Rdiv_lt_0_compat; [apply PI_RGT_0|apply INR_m]. Qed.

Lemma m_step : INR m * step = PI.
Proof. unfold step; field; apply Rgt_not_eq, INR_m. Qed.

Lemma step_le : step <= PI.
Proof.
rewrite <- m_step; assert (h := step_gt0); assert (1 <= INR m) by (apply (le_INR 1); lia); nra.
Qed.

Definition abs_cos_sum phi := csum (fun j => Rabs (cos (phi + INR j * step))) m.

Lemma abs_cos_sum_step phi : abs_cos_sum (phi + step) = abs_cos_sum phi.
Proof.
unfold abs_cos_sum; transitivity (csum (fun j => Rabs (cos (phi + INR (S j) * step))) m).
  apply csum_ext; intros j _; rewrite S_INR; do 2 f_equal; ring.
rewrite (csum_shift (fun j => Rabs (cos (phi + INR j * step)))); simpl INR.
rewrite Rmult_0_l, Rplus_0_r, m_step, neg_cos, Rabs_Ropp; ring.
Qed.

Lemma abs_cos_sum_steps phi n : abs_cos_sum (phi + INR n * step) = abs_cos_sum phi.
Proof.
induction n as [|n IH]; [now replace (phi + INR 0 * step) with phi by (simpl; ring)|].
rewrite <- IH, <- (abs_cos_sum_step (phi + INR n * step)), S_INR; f_equal; ring.
Qed.

Lemma abs_cos_sum_shift phi k : abs_cos_sum (phi + IZR k * step) = abs_cos_sum phi.
Proof.
destruct (Z_lt_le_dec k 0) as [k0|k0].
  replace (IZR k) with (- INR (Z.to_nat (- k))).
    rewrite <- (abs_cos_sum_steps (phi + - INR (Z.to_nat (- k)) * step) (Z.to_nat (- k))); f_equal; ring.
  rewrite INR_IZR_INZ, Z2Nat.id by lia; rewrite opp_IZR; ring.
replace (IZR k) with (INR (Z.to_nat k)) by (now rewrite INR_IZR_INZ, Z2Nat.id).
apply abs_cos_sum_steps.
Qed.

Lemma sin_half_step : 0 < sin (step / 2).
Proof. assert (h := step_gt0); assert (h' := step_le); apply sin_gt_0; lra. Qed.

Lemma abs_cos_sum_base psi : 0 <= psi <= step ->
  abs_cos_sum (psi - PI / 2) = cos (psi - step / 2) / sin (step / 2).
Proof.
intros [p0 p1]; assert (h := sin_half_step); assert (hs := step_gt0); unfold abs_cos_sum.
rewrite (csum_ext _ (fun j => cos (psi - PI / 2 + INR j * step))).
  apply (Rmult_eq_reg_r (2 * sin (step / 2))); [|lra].
  rewrite csum_cos, m_step.
  replace (psi - PI / 2 + PI - step / 2) with (PI / 2 + (psi - step / 2)) by field.
  replace (psi - PI / 2 - step / 2) with (- (PI / 2 - (psi - step / 2))) by field.
  rewrite sin_neg, <- cos_sin, sin_shift; field; lra.
intros j jm; apply Rabs_pos_eq, cos_ge_0.
  assert (0 <= INR j * step) by (apply Rmult_le_pos; [apply pos_INR|lra]); lra.
assert (INR j + 1 <= INR m) by (rewrite <- S_INR; apply le_INR; lia).
assert (e := m_step); nra.
Qed.

Lemma abs_cos_sum_value phi : exists psi, 0 <= psi <= step /\
  abs_cos_sum phi = cos (psi - step / 2) / sin (step / 2).
Proof.
pose (y := (phi + PI / 2) / step); destruct (base_Int_part y) as [k1 k2].
assert (hs := step_gt0); assert (ys : y * step = phi + PI / 2) by (unfold y; field; lra).
exists (phi + PI / 2 - IZR (Int_part y) * step); split; [split; nra|].
rewrite <- abs_cos_sum_base by (split; nra).
rewrite <- (abs_cos_sum_shift (phi + PI / 2 - IZR (Int_part y) * step - PI / 2) (Int_part y)); f_equal; ring.
Qed.

(* The mean of |cos| over m phases spaced by pi/m, whatever the first. *)
Definition cos_ceiling := / (INR m * sin (step / 2)).
Definition cos_floor := cos (step / 2) * cos_ceiling.

Lemma cos_ceiling_gt0 : 0 < cos_ceiling.
Proof. apply Rinv_0_lt_compat, Rmult_lt_0_compat; [apply INR_m|apply sin_half_step]. Qed.

Lemma abs_cos_mean_bounds phi : cos_floor <= abs_cos_sum phi / INR m <= cos_ceiling.
Proof.
destruct (abs_cos_sum_value phi) as [psi [[p0 p1] ->]].
assert (h := sin_half_step); assert (hm := INR_m); assert (hc := cos_ceiling_gt0).
assert (hs := step_gt0); assert (hs' := step_le).
replace (cos (psi - step / 2) / sin (step / 2) / INR m) with (cos (psi - step / 2) * cos_ceiling)
  by (unfold cos_ceiling; field; lra).
unfold cos_floor; split; [|generalize (COS_bound (psi - step / 2)); nra].
apply Rmult_le_compat_r; [lra|].
destruct (Rle_lt_dec 0 (psi - step / 2)).
  apply cos_decr_1; lra.
rewrite <- (cos_neg (psi - step / 2)); apply cos_decr_1; lra.
Qed.
End Phases.

(* Both bounds tend to 2/pi. *)
Lemma lim_step : is_lim_seq (fun n => PI / INR (S n) / 2) 0.
Proof.
apply (is_lim_seq_ext (fun n => PI / 2 * / INR (S n))).
  intro n; field; apply not_0_INR; lia.
replace (Finite 0) with (Rbar_mult (PI / 2) 0) by (simpl; f_equal; ring).
apply is_lim_seq_scal_l.
apply (is_lim_seq_incr_1 (fun n => / INR n)).
replace (Finite 0) with (Rbar_inv p_infty) by reflexivity.
apply is_lim_seq_inv; [apply is_lim_seq_INR|easy].
Qed.

Lemma lim_cos_ceiling : is_lim_seq (fun n => cos_ceiling (S n)) (2 / PI).
Proof.
assert (p := PI_RGT_0).
assert (sinc : is_lim_seq (fun n => / (sin (PI / INR (S n) / 2) / (PI / INR (S n) / 2))) (/ 1)).
  apply (is_lim_seq_inv _ 1); [|intro e; injection e; lra].
  apply (is_lim_comp_seq (fun x => sin x / x) (fun n => PI / INR (S n) / 2) 0 1).
  - apply is_lim_sinc_0.
  - exists O; intros n _ e; apply Rbar_finite_eq in e; revert e; apply Rgt_not_eq.
    apply Rdiv_lt_0_compat; [apply Rdiv_lt_0_compat; [lra|apply (lt_0_INR (S n)); lia]|lra].
  - apply lim_step.
apply (is_lim_seq_ext (fun n => 2 / PI * / (sin (PI / INR (S n) / 2) / (PI / INR (S n) / 2)))).
  intro n; unfold cos_ceiling.
  assert (s : 0 < sin (PI / INR (S n) / 2)) by (apply (sin_half_step (S n)); lia).
  assert (i : INR (S n) <> 0) by (apply not_0_INR; lia).
  field; repeat split; lra.
assert (e : 2 / PI * / 1 = 2 / PI) by (field; lra).
refine (eq_ind _ (fun l : R => is_lim_seq _ l) _ _ e).
apply (is_lim_seq_scal_l _ (2 / PI) (/ 1)); exact sinc.
Qed.

Lemma lim_cos_floor : is_lim_seq (fun n => cos_floor (S n)) (2 / PI).
Proof.
assert (p := PI_RGT_0); assert (e : cos 0 * (2 / PI) = 2 / PI) by (rewrite cos_0; ring).
refine (eq_ind _ (fun l : R => is_lim_seq _ l) _ _ e).
apply is_lim_seq_mult'; [|apply lim_cos_ceiling].
apply (is_lim_seq_continuous cos _ 0); [apply continuity_cos|apply lim_step].
Qed.

(* What is at most (at least) c times every ceiling (floor) is at most (at least) 2 c / pi. *)
Lemma le_of_ceilings x c : (forall n, x <= c * cos_ceiling (S n)) -> x <= c * (2 / PI).
Proof.
intro h; apply (is_lim_seq_le (fun _ => x) (fun n => c * cos_ceiling (S n)) x (c * (2 / PI)) h).
  apply is_lim_seq_const.
apply (is_lim_seq_scal_l _ c (2 / PI)), lim_cos_ceiling.
Qed.

Lemma ge_of_floors x c : (forall n, c * cos_floor (S n) <= x) -> c * (2 / PI) <= x.
Proof.
intro h; apply (is_lim_seq_le (fun n => c * cos_floor (S n)) (fun _ => x) (c * (2 / PI)) x h).
  apply (is_lim_seq_scal_l _ c (2 / PI)), lim_cos_floor.
apply is_lim_seq_const.
Qed.

Lemma polar_form X Y : exists phi, X = sqrt (X ^ 2 + Y ^ 2) * cos phi /\ Y = sqrt (X ^ 2 + Y ^ 2) * sin phi.
Proof.
set (rho := sqrt (X ^ 2 + Y ^ 2)); assert (rr : rho ^ 2 = X ^ 2 + Y ^ 2) by (apply pow2_sqrt; nra).
assert (r0 : 0 <= rho) by apply sqrt_pos.
destruct (Req_dec rho 0) as [e|e].
  exists 0; rewrite e in *; split; nra.
assert (r1 : 0 < rho) by lra.
assert (x1 : -1 <= X / rho <= 1).
  split; apply (Rmult_le_reg_r rho); trivial; unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; nra.
assert (c : cos (acos (X / rho)) = X / rho) by (apply cos_acos; lra).
assert (s : sin (acos (X / rho)) = sqrt (1 - Rsqr (X / rho))) by (apply sin_acos; lra).
assert (ys : Y ^ 2 = (rho * sin (acos (X / rho))) ^ 2).
  assert (sc := sin2_cos2 (acos (X / rho))); rewrite c in sc; unfold Rsqr in sc.
  replace ((rho * sin (acos (X / rho))) ^ 2) with (rho ^ 2 * (sin (acos (X / rho)) * sin (acos (X / rho)))) by ring.
  replace (sin (acos (X / rho)) * sin (acos (X / rho))) with (1 - X / rho * (X / rho)) by lra.
  replace (rho ^ 2 * (1 - X / rho * (X / rho))) with (rho ^ 2 - X ^ 2) by (field; lra); lra.
assert (s0 : 0 <= sin (acos (X / rho))) by (rewrite s; apply sqrt_pos).
destruct (Rle_lt_dec 0 Y) as [y0|y0].
  exists (acos (X / rho)); rewrite c; split; [field; lra|].
  apply Rsqr_inj; [easy|apply Rmult_le_pos; lra|unfold Rsqr; lra].
exists (- acos (X / rho)); rewrite cos_neg, sin_neg, c; split; [field; lra|].
assert (- Y = rho * sin (acos (X / rho))); [|lra].
apply Rsqr_inj; [lra|apply Rmult_le_pos; lra|unfold Rsqr; lra].
Qed.

Lemma csum_scal c f m : csum (fun j => c * f j) m = c * csum f m.
Proof. induction m as [|m IH]; simpl; [ring|rewrite IH; ring]. Qed.

(* The mean of |X cos + Y sin| over m phases spaced by pi/m. *)
Lemma phase_mean_bounds m X Y : (0 < m)%nat ->
  cos_floor m * sqrt (X ^ 2 + Y ^ 2) <=
  csum (fun j => Rabs (X * cos (INR j * (PI / INR m)) + Y * sin (INR j * (PI / INR m)))) m / INR m <=
  cos_ceiling m * sqrt (X ^ 2 + Y ^ 2).
Proof.
intro m0; destruct (polar_form X Y) as [phi [eX eY]].
set (rho := sqrt (X ^ 2 + Y ^ 2)) in *; assert (r0 : 0 <= rho) by apply sqrt_pos.
assert (hm := INR_m m m0).
replace (csum _ m) with (rho * abs_cos_sum m (- phi)).
  destruct (abs_cos_mean_bounds m m0 (- phi)) as [lo hi].
  unfold Rdiv in *; rewrite Rmult_assoc, (Rmult_comm (cos_floor m)), (Rmult_comm (cos_ceiling m)).
  split; apply Rmult_le_compat_l; trivial.
unfold abs_cos_sum; rewrite <- csum_scal; apply csum_ext; intros j _.
rewrite <- (Rabs_pos_eq rho) at 1 by easy; rewrite <- Rabs_mult; f_equal.
rewrite cos_plus, cos_neg, sin_neg, eX, eY at 1; ring.
Qed.
